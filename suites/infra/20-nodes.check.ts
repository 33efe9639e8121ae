import { check } from '../../src/check/check.ts'
import { workersOf, ZONE, zoneOf } from '../../src/kube/nodes.ts'
import { conditionOf } from '../../src/kube/until.ts'

check(
  'infra/nodes-ready',
  {
    asserts: 'every node is Ready without memory, disk or PID pressure, and at least 2 workers are schedulable',
    guide: '1',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Run kubectl describe node NAME and look at its conditions and events',
      'Free the memory, disk or PIDs that the node runs out of, or replace the node',
      'Run kubectl uncordon NAME for a worker that is cordoned without need, or add workers',
    ],
  },
  async ({ stack, expect, measure }) => {
    const nodes = await stack.all('v1/Node')
    const troubles = nodes.flatMap((node) => {
      const name = node.metadata?.name
      const ready = conditionOf(node, 'Ready')
      const reason = `${ready?.reason ?? 'no reason'}: ${ready?.message ?? ''}`
      const pressed = ['MemoryPressure', 'DiskPressure', 'PIDPressure'].filter(
        (type) => conditionOf(node, type)?.status === 'True',
      )
      return [
        ...(ready?.status === 'True' ? [] : [`${name}: Ready=${ready?.status ?? 'not reported'} (${reason})`]),
        ...pressed.map((type) => `${name}: ${type}=True`),
      ]
    })
    expect(troubles, 'Nodes that are not Ready or under pressure').toBeNone()
    const workers = workersOf(nodes)
    measure('nodes', nodes.length, 'nodes')
    measure('schedulable workers', workers.length, 'nodes')
    expect(workers.length, 'Schedulable workers (not cordoned, no NoSchedule taint)').toBeGreaterThanOrEqual(2)
    return `${nodes.length} nodes are Ready, ${workers.length} of them are schedulable workers`
  },
)

check(
  'infra/nodes-zones',
  {
    asserts:
      'schedulable workers are in at least 2 zones (3 are recommended), by the label topology.kubernetes.io/zone',
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    needs: ['infra/nodes-ready'],
    remedy: [
      'Add workers in another zone, so that the service survives the loss of one',
      'On nodes that are not of a cloud provider set the label topology.kubernetes.io/zone',
    ],
  },
  async ({ stack, expect, measure }) => {
    const workers = workersOf(await stack.all('v1/Node'))
    const zoned = workers.map(zoneOf)
    const without = workers.filter((_, at) => !zoned[at]).map((node) => node.metadata?.name)
    expect(without, `Workers without the label ${ZONE}`).toBeNone()
    const zones = [...new Set(zoned)]
    measure('zones', zones.length, 'zones')
    expect(zones.length >= 2).toHold(
      `${workers.length} schedulable workers are in ${zones.length} zone (${zones.join(', ')}); ` +
        'at least 2 zones are expected',
    )
    const recommendation = zones.length < 3 ? ' (3 are recommended)' : ''
    return `${workers.length} workers are in ${zones.length} zones: ${zones.join(', ')}${recommendation}`
  },
)

check(
  'infra/node-log-rotation',
  {
    asserts: 'every kubelet bounds container logs by containerLogMaxSize and containerLogMaxFiles',
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    needs: ['infra/nodes-ready'],
    remedy: [
      'Set containerLogMaxSize, 10Mi for example, in the KubeletConfiguration of the node',
      'Set containerLogMaxFiles to 2 or more (without rotation access logs fill the disk)',
      'Restart the kubelet, and check with kubectl get --raw /api/v1/nodes/NAME/proxy/configz',
    ],
  },
  async ({ stack, expect }) => {
    const nodes = await stack.all('v1/Node')
    expect(nodes.length, 'Nodes in the cluster').toBeGreaterThan(0)
    const settings = await Promise.all(
      nodes.map(async (node) => {
        const name = node.metadata?.name
        const { kubeletconfig } = await stack.k8s.json<{
          kubeletconfig: { containerLogMaxSize?: string; containerLogMaxFiles?: number }
        }>(`/api/v1/nodes/${name}/proxy/configz`)
        expect(kubeletconfig.containerLogMaxSize ?? 'not set', `Node ${name}, kubelet containerLogMaxSize`).toMatch(
          /^[1-9]\d*(Ki|Mi|Gi|k|M|G)?$/,
        )
        expect(
          kubeletconfig.containerLogMaxFiles ?? 0,
          `Node ${name}, kubelet containerLogMaxFiles`,
        ).toBeGreaterThanOrEqual(2)
        return `${kubeletconfig.containerLogMaxFiles} files of ${kubeletconfig.containerLogMaxSize}`
      }),
    )
    return `${nodes.length} kubelets keep at most ${[...new Set(settings)].join(' or ')} for each container`
  },
)
