import { gatewayFilter } from './envoy-filter.ts'
import { defect, sabotage } from '../src/sabotage/sabotage.ts'

// What Knative does by itself, and no API makes it do otherwise: defects of the twin.

defect('net-istio-heeds-annotations', {
  breaks: 'net-istio sets a timeout and retries from annotations of the Service',
  fails: ['knative/no-silent-annotations'],
})

defect('timeouts-ignored', {
  breaks: 'queue-proxy ends no request that takes too long',
  fails: ['knative/revision-timeout'],
})

defect('resources-ignored', {
  breaks: 'the containers of a revision do not get the resources that were asked for',
  fails: ['knative/resources'],
})

defect('panic-annotations-dropped', {
  breaks: "a PodAutoscaler does not get its revision's annotations about panic mode",
  fails: ['knative/annotations-applied'],
})

defect('initial-scale-ignored', {
  breaks: 'a new revision starts with one pod, whatever its initial scale',
  fails: ['knative/initial-scale'],
})

defect('max-scale-ignored', { breaks: 'the autoscaler heeds no max-scale', fails: ['knative/min-max-scale'] })

defect('concurrency-unlimited', {
  breaks: 'queue-proxy passes on any number of requests at once',
  fails: ['knative/concurrency-limit'],
})

defect('requests-counted-twice', {
  breaks: 'the autoscaler counts each request a second twice',
  fails: ['knative/scale-by-rps'],
})

defect('scale-down-at-once', {
  breaks: 'the autoscaler heeds no max-scale-down-rate',
  fails: ['knative/scale-rates'],
})

defect('burst-capacity-ignored', {
  breaks: 'the ServerlessService is in Serve mode whenever there is a pod',
  fails: ['knative/burst-capacity', 'knative/activator-flips'],
})

defect('activator-unseen', {
  breaks: 'the activator passes requests on without leaving its address',
  fails: ['knative/activator-in-path'],
})

defect('endpoints-stay-activators', {
  breaks: 'in Serve mode the endpoints of a revision stay the activators',
  fails: ['knative/activator-bypassed'],
})

defect('probes-passed-on', {
  breaks: 'activator and queue-proxy pass probes on to the container',
  fails: ['knative/probe-header'],
})

sabotage(
  'tag-header-denied',
  { breaks: 'a policy of the gateway denies requests with a tag', fails: ['knative/tag-header-routing'] },
  (saboteur) =>
    saboteur.make({
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: 'tag-header-denied', namespace: 'istio-system' },
      spec: {
        selector: { matchLabels: { istio: 'ingressgateway' } },
        action: 'DENY',
        rules: [{ when: [{ key: 'request.headers[knative-serving-tag]', values: ['*'] }] }],
      },
    }),
)

sabotage(
  'gateway-retries',
  {
    breaks:
      "an EnvoyFilter has the gateway try again whatever fails: a version's failures are not seen, and tries are more than one",
    fails: ['rollout/canary-abort', 'knative/route-timeout-patch'],
  },
  (saboteur) =>
    saboteur.make(
      gatewayFilter('gateway-retries', [
        {
          applyTo: 'HTTP_ROUTE',
          // Envoy rejects a route that redirects or answers of its own and has a retry policy.
          match: { context: 'GATEWAY', routeConfiguration: { vhost: { route: { action: 'ROUTE' } } } },
          patch: { operation: 'MERGE', value: { route: { retry_policy: { retry_on: '5xx', num_retries: 20 } } } },
        },
      ]),
    ),
)
