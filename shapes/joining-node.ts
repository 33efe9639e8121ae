import { byApi, shape } from '../src/shapes/shape.ts'

const NAME = 'plumbline-joining'
const NOT_READY = { reason: 'KubeletNotReady', message: 'the network plugin is not ready' }

shape('joining-node', {
  healthy: 'a node joins the cluster just now, and is not Ready yet',
  ...byApi(async (shaper) => {
    await shaper.make({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: NAME,
        labels: {
          'kubernetes.io/hostname': NAME,
          'kubernetes.io/os': 'linux',
          'kubernetes.io/arch': 'amd64',
          'topology.kubernetes.io/zone': 'zone-d',
          'karpenter.sh/nodepool': 'default',
        },
      },
      spec: {
        taints: [
          { key: 'karpenter.sh/unregistered', effect: 'NoExecute' },
          { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' },
        ],
      },
    })
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    await shaper.setStatus(
      { kind: 'v1/Node', name: NAME },
      {
        conditions: [{ type: 'Ready', status: 'False', ...NOT_READY, lastHeartbeatTime: now, lastTransitionTime: now }],
        capacity: { cpu: '4', memory: '8Gi', pods: '110' },
        allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
      },
    )
  }),
})
