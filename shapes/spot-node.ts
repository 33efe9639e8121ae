import { byApi, shape } from '../src/shapes/shape.ts'

shape('spot-node', {
  healthy: 'a node is a spot instance of Karpenter, which may leave at any time',
  ...byApi((shaper) =>
    shaper.change('v1/Node', undefined, 'plumbline-worker3', {
      metadata: { labels: { 'karpenter.sh/capacity-type': 'spot', 'karpenter.sh/nodepool': 'spot' } },
    }),
  ),
})
