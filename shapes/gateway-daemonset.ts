import { shape } from '../src/shapes/shape.ts'

const [NAMESPACE, NAME] = ['istio-system', 'istio-ingressgateway']

shape('gateway-daemonset', {
  healthy: 'the gateway is a DaemonSet, with a pod on each node that takes work',
  onTwin: { layout: { gateways: [{ kind: 'DaemonSet' }] } },
  onKind: {
    make: async (shaper) => {
      const { spec, metadata } = await shaper.api.get('apps/v1/Deployment', NAME, NAMESPACE)
      await shaper.make({
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name: NAME, namespace: NAMESPACE, labels: metadata?.labels ?? {} },
        spec: { selector: spec?.selector, template: spec?.template },
      })
      await shaper.rolledOut(NAMESPACE, NAME, 'DaemonSet')
      await shaper.remove('apps/v1/Deployment', NAMESPACE, NAME)
    },
  },
})
