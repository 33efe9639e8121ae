import { defect, sabotage } from '../src/sabotage/sabotage.ts'
import { deny } from './denying.ts'

for (const [id, breaks, host, fails] of [
  [
    'blue-green-denied',
    'an AuthorizationPolicy of the gateway denies requests to the host of the blue/green rollout',
    'blue-green.*',
    'rollout/blue-only',
  ],
  [
    'green-denied',
    'an AuthorizationPolicy of the gateway denies requests to tag v2',
    'v2-blue-green.*',
    'rollout/green-tagged',
  ],
  [
    'old-blue-denied',
    'an AuthorizationPolicy of the gateway denies requests to tag v1',
    'v1-blue-green.*',
    'rollout/green-full',
  ],
  [
    'ab-denied',
    'an AuthorizationPolicy of the gateway denies requests to the host of the A/B test',
    'ab.*',
    'rollout/by-header',
  ],
] as const)
  sabotage(id, { breaks, fails: [fails] }, (saboteur) => deny(saboteur, id, { hosts: [host] }))

defect('weights-off', {
  breaks: 'the gateway uses the weights of another step: 40 % for 50 %, 20 % for 30 %, 50 % for 20 %',
  fails: ['rollout/half-and-half', 'rollout/weights', 'rollout/canary-steps'],
})

defect('rollback-drops', {
  breaks: 'net-istio removes the route for 400 ms when traffic goes back to an older revision',
  fails: ['rollout/rollback'],
})

defect('reroute-drops', {
  breaks: 'a gateway answers 503 for 500 ms after a route changed to a single destination',
  fails: ['rollout/revert-rule'],
})

defect('requests-uncounted', {
  breaks: 'queue-proxy counts every second request only',
  fails: ['rollout/counted'],
})

defect('rollout-at-once', {
  breaks: 'all traffic goes to a new revision at once, whatever the rollout duration',
  fails: ['rollout/gradual'],
})
