import { byApi, shape } from '../src/shapes/shape.ts'

const WORKERS = ['plumbline-worker', 'plumbline-worker2', 'plumbline-worker3']

shape('one-zone', {
  healthy: 'all nodes are in one zone',
  explained: {
    'infra/nodes-zones': 'there are no two zones to spread over, and none is asked for',
    'mesh/cross-zone-balance': 'there are no two zones to balance between',
  },
  ...byApi(async (shaper) => {
    const labels = { 'topology.kubernetes.io/zone': 'zone-a' }
    for (const name of WORKERS) await shaper.change('v1/Node', undefined, name, { metadata: { labels } })
  }),
})
