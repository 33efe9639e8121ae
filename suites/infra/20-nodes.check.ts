import { check } from '../../src/check/check.ts'
import { workersOf, ZONE, zoneOf } from '../../src/kube/nodes.ts'
import { conditionOf } from '../../src/kube/until.ts'

check(
  'infra/nodes-ready',
  {
    asserts: 'every node is Ready, none under memory, disk or PID pressure, and at least 2 schedulable workers',
    guide: '1',
    level: 'required',
    effect: 'reads',
    remedy: 'kubectl describe node NAME shows why; replace the node or free what it lacks',
  },
  async ({ stack, expect, measure }) => {
    const nodes = await stack.all('v1/Node')
    const troubles = nodes.flatMap((node) => {
      const name = node.metadata?.name
      const ready = conditionOf(node, 'Ready')
      const pressed = ['MemoryPressure', 'DiskPressure', 'PIDPressure'].filter(
        (type) => conditionOf(node, type)?.status === 'True',
      )
      return [
        ...(ready?.status === 'True'
          ? []
          : [
              `${name}: Ready is ${ready?.status ?? 'not reported'} (${ready?.reason ?? 'no reason'}: ${ready?.message ?? ''})`,
            ]),
        ...pressed.map((type) => `${name}: ${type}`),
      ]
    })
    expect(troubles, 'nodes that are not Ready or under pressure').toBeNone()
    const workers = workersOf(nodes)
    measure('nodes', nodes.length, 'nodes')
    measure('schedulable workers', workers.length, 'nodes')
    expect(workers.length, 'schedulable workers (no cordon, no NoSchedule taint)').toBeGreaterThanOrEqual(2)
    return `${nodes.length} nodes Ready, ${workers.length} schedulable workers`
  },
)

check(
  'infra/nodes-zones',
  {
    asserts: 'schedulable workers span at least 2 zones (3 recommended) by topology.kubernetes.io/zone',
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    needs: ['infra/nodes-ready'],
    remedy:
      'add workers in another zone; without two, a lost zone is a lost service and topology spread has nothing to spread over',
  },
  async ({ stack, expect, measure }) => {
    const workers = workersOf(await stack.all('v1/Node'))
    const zoned = workers.map(zoneOf)
    const without = workers.filter((_, at) => !zoned[at]).map((node) => node.metadata?.name)
    expect(without, `workers without the label ${ZONE}`).toBeNone()
    const zones = [...new Set(zoned)]
    measure('zones', zones.length, 'zones')
    expect(
      zones.length,
      `zones of the ${workers.length} schedulable workers (${zones.join(', ')})`,
    ).toBeGreaterThanOrEqual(2)
    return `${workers.length} workers in ${zones.length} zones: ${zones.join(', ')}${zones.length < 3 ? ' (3 are recommended)' : ''}`
  },
)

check(
  'infra/node-log-rotation',
  {
    asserts: "kubelet's container log rotation is bounded (containerLogMaxSize and containerLogMaxFiles)",
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    needs: ['infra/nodes-ready'],
    remedy:
      "set containerLogMaxSize and containerLogMaxFiles in the kubelet's configuration; access logs fill a disk that nothing rotates",
  },
  async ({ stack, expect }) => {
    const nodes = await stack.all('v1/Node')
    expect(nodes.length, 'nodes').toBeGreaterThan(0)
    const settings = await Promise.all(
      nodes.map(async (node) => {
        const name = node.metadata?.name
        const { kubeletconfig } = await stack.k8s.json<{
          kubeletconfig: { containerLogMaxSize?: string; containerLogMaxFiles?: number }
        }>(`/api/v1/nodes/${name}/proxy/configz`)
        expect(kubeletconfig.containerLogMaxSize ?? 'not set', `containerLogMaxSize of ${name}`).toMatch(
          /^[1-9]\d*(Ki|Mi|Gi|k|M|G)?$/,
        )
        expect(kubeletconfig.containerLogMaxFiles ?? 0, `containerLogMaxFiles of ${name}`).toBeGreaterThanOrEqual(2)
        return `${kubeletconfig.containerLogMaxSize} x ${kubeletconfig.containerLogMaxFiles}`
      }),
    )
    return `${nodes.length} nodes keep ${[...new Set(settings)].join(' or ')} a container`
  },
)
