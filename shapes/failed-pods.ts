import { byApi, shape } from '../src/shapes/shape.ts'

// The labels of a gateway and of an activator: whoever selects these finds the leftovers too.
const LEFTOVERS = [
  { namespace: 'istio-system', labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' }, reason: 'Evicted' },
  { namespace: 'istio-system', labels: { app: 'istiod', istio: 'pilot' }, reason: 'NodeShutdown' },
  { namespace: 'knative-serving', labels: { app: 'activator', role: 'activator' }, reason: 'Evicted' },
]

shape('failed-pods', {
  healthy: 'pods that were evicted or whose node went away have stayed behind as Failed, as nobody removes them',
  ...byApi(async (shaper) => {
    for (const [at, { namespace, labels, reason }] of LEFTOVERS.entries()) {
      const name = `left-behind-${at}`
      await shaper.make({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace, labels },
        spec: {
          // It is never to run.
          schedulerName: 'nobody',
          containers: [{ name: 'gone', image: shaper.config.images.nginx }],
        },
      })
      await shaper.setStatus(
        { kind: 'v1/Pod', namespace, name },
        { phase: 'Failed', reason, message: 'The node was low on resource: memory.' },
      )
    }
  }),
})
