import { shape } from '../src/shapes/shape.ts'

shape('ambient-beside', {
  healthy: 'ztunnel and istio-cni are installed, and no namespace is enrolled in ambient',
  onTwin: { layout: { ambient: true } },
  onKind: { cannot: 'the image of ztunnel is on no node' },
})
