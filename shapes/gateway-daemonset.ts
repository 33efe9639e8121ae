import { shape } from '../src/shapes/shape.ts'

shape('gateway-daemonset', {
  healthy: 'the gateway is a DaemonSet, with a pod on each node that takes work',
  onTwin: { layout: { gateways: [{ kind: 'DaemonSet' }] } },
  onKind: { cannot: 'not written yet' },
})
