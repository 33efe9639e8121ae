import { defect, sabotage } from '../src/sabotage/sabotage.ts'
import { denying } from './denying.ts'

for (const [id, breaks, host, fails] of [
  [
    'blue-green-denied',
    'a policy of the gateway denies the host of the blue/green rollout',
    'blue-green.*',
    'rollout/blue-only',
  ],
  ['green-denied', 'a policy of the gateway denies the tag v2', 'v2-blue-green.*', 'rollout/green-tagged'],
  ['old-blue-denied', 'a policy of the gateway denies the tag v1', 'v1-blue-green.*', 'rollout/green-full'],
  ['ab-denied', 'a policy of the gateway denies the host of the A/B test', 'ab.*', 'rollout/by-header'],
] as const)
  sabotage(id, { breaks, fails: [fails] }, (saboteur) => saboteur.make(denying(id, { hosts: [host] })))

defect('weights-off', {
  breaks: 'the gateway takes the weights of the step beside: 40 % for 50, 20 for 30, 50 for 20',
  fails: ['rollout/half-and-half', 'rollout/weights', 'rollout/canary-steps'],
})

defect('rollback-drops', {
  breaks: 'net-istio drops a route for a moment when traffic goes back to an older revision',
  fails: ['rollout/rollback'],
})

defect('reroute-drops', {
  breaks: 'a gateway fails requests for a moment when a route is changed to one destination',
  fails: ['rollout/revert-rule'],
})

defect('requests-uncounted', {
  breaks: 'queue-proxy counts every second request alone',
  fails: ['rollout/counted'],
})

defect('rollout-at-once', {
  breaks: 'traffic goes to a new revision at once, whatever the rollout duration',
  fails: ['rollout/gradual'],
})
