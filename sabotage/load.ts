import { defect, sabotage } from '../src/sabotage/sabotage.ts'
import { deny } from './denying.ts'

sabotage(
  'loaded-denied',
  {
    breaks: 'an AuthorizationPolicy of the gateway denies requests to the hosts that load is sent to',
    fails: [
      'mesh/connection-pool-enforced',
      'knative/scale-by-concurrency',
      'knative/scale-from-zero',
      'knative/panic-mode',
      'knative/activator-flips',
    ],
  },
  (saboteur) =>
    deny(saboteur, 'loaded-denied', { hosts: ['limited.*', 'concurrency.*', 'from-zero.*', 'panic.*', 'flip.*'] }),
)

defect('overflows-pass', {
  breaks: 'the gateways let requests above the limits of a connection pool pass',
  fails: ['mesh/connection-pool-enforced'],
})

defect('concurrency-halved', {
  breaks: 'the autoscaler counts half of the requests in flight',
  fails: ['knative/scale-by-concurrency'],
})

defect('panic-never', { breaks: 'the autoscaler never enters panic mode', fails: ['knative/panic-mode'] })

defect('cold-requests-lost', {
  breaks: 'the activator drops every fourth request that finds no pod',
  fails: ['knative/scale-from-zero'],
})
