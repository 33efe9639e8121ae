import { byApi, shape } from '../src/shapes/shape.ts'

shape('cordoned-node', {
  healthy: 'somebody has cordoned a node, which takes no new pods',
  ...byApi((shaper) => shaper.change('v1/Node', undefined, 'plumbline-worker3', { spec: { unschedulable: true } })),
})
