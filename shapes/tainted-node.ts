import { byApi, shape } from '../src/shapes/shape.ts'

shape('tainted-node', {
  healthy: 'a node is for other work: a taint keeps the pods of the stack away',
  ...byApi((shaper) =>
    shaper.change('v1/Node', undefined, 'plumbline-worker3', {
      spec: { taints: [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }] },
    }),
  ),
})
