import { policy } from './denying.ts'
import { gatewayFilter } from './envoy-filter.ts'
import { defect, sabotage } from '../src/sabotage/sabotage.ts'

// Behaviour of Knative that no API can change: defects of the twin.

defect('net-istio-heeds-annotations', {
  breaks: 'net-istio sets a timeout and retries from annotations of the Service',
  fails: ['knative/no-silent-annotations'],
})

defect('timeouts-ignored', {
  breaks: 'queue-proxy does not end requests that exceed the timeout of the revision',
  fails: ['knative/revision-timeout'],
})

defect('resources-ignored', {
  breaks: 'the containers of a revision do not get the resources that the Service asks for',
  fails: ['knative/resources'],
})

defect('panic-annotations-dropped', {
  breaks: 'a PodAutoscaler does not get the panic mode annotations of its Revision',
  fails: ['knative/annotations-applied'],
})

defect('initial-scale-ignored', {
  breaks: 'a new revision starts with one pod, whatever its initial scale',
  fails: ['knative/initial-scale'],
})

defect('max-scale-ignored', { breaks: 'the autoscaler ignores max-scale', fails: ['knative/min-max-scale'] })

defect('concurrency-unlimited', {
  breaks: 'queue-proxy ignores containerConcurrency',
  fails: ['knative/concurrency-limit'],
})

defect('requests-counted-twice', {
  breaks: 'the autoscaler measures twice the requests per second',
  fails: ['knative/scale-by-rps'],
})

defect('scale-down-at-once', {
  breaks: 'the autoscaler ignores max-scale-down-rate',
  fails: ['knative/scale-rates'],
})

defect('burst-capacity-ignored', {
  breaks: 'the ServerlessService is in Serve mode as soon as one pod is ready',
  fails: ['knative/burst-capacity', 'knative/activator-flips'],
})

defect('activator-unseen', {
  breaks: 'the activator does not add its address to X-Forwarded-For',
  fails: ['knative/activator-in-path'],
})

defect('endpoints-stay-activators', {
  breaks: 'in Serve mode the endpoints of a revision are still the activators',
  fails: ['knative/activator-bypassed'],
})

defect('probes-passed-on', {
  breaks: 'the activator and queue-proxy pass probes on to the container',
  fails: ['knative/probe-header'],
})

sabotage(
  'tag-header-denied',
  {
    breaks: 'an AuthorizationPolicy of the gateway denies requests with the header Knative-Serving-Tag',
    fails: ['knative/tag-header-routing'],
  },
  (saboteur) =>
    policy(saboteur, 'tag-header-denied', [{ when: [{ key: 'request.headers[knative-serving-tag]', values: ['*'] }] }]),
)

sabotage(
  'gateway-retries',
  {
    breaks:
      'an EnvoyFilter makes the gateway retry every 5xx answer up to 20 times, which hides the failures of a version',
    fails: ['rollout/canary-abort', 'knative/route-timeout-patch'],
  },
  (saboteur) =>
    gatewayFilter(saboteur, 'gateway-retries', [
      {
        applyTo: 'HTTP_ROUTE',
        // Envoy rejects a retry policy on a route that redirects or answers directly.
        match: { context: 'GATEWAY', routeConfiguration: { vhost: { route: { action: 'ROUTE' } } } },
        patch: { operation: 'MERGE', value: { route: { retry_policy: { retry_on: '5xx', num_retries: 20 } } } },
      },
    ]),
)
