import { check } from '../../src/check/check.ts'
import { kubeletSettings } from '../../src/cluster/kubelet-settings.ts'
import { lastingTroubles } from '../../src/cluster/lasting.ts'
import { nodeTroubles, stackNodes } from '../../src/cluster/node-troubles.ts'
import { gatewayPlacement, nodesOf, workersFor } from '../../src/cluster/workers.ts'
import { DoesNotApply } from '../../src/core/problem.ts'
import { ZONE } from '../../src/kube/nodes.ts'
import { counted } from '../../src/core/counted.ts'

check(
  'infra/nodes-ready',
  {
    asserts:
      'every node that the stack uses or may use is Ready without memory, disk or PID pressure, and at least 2 nodes ' +
      "take the gateway's pods",
    guide: '1',
    level: 'required',
    effect: 'reads',
    remedy: [
      'Run kubectl describe node NAME and look at its conditions and events',
      'Free the memory, disk or PIDs that the node runs out of, or replace the node',
      'Run kubectl uncordon NAME for a worker that is cordoned without need, or add workers',
    ],
  },
  async ({ stack, expect, measure, remark }) => {
    const [ours, now] = [await stackNodes(stack), (await stack.k8s.clock()).getTime()]
    const troubles = await lastingTroubles(
      stack,
      { kind: 'v1/Node' },
      (nodes) => nodeTroubles(nodes, ours, now).ofStack,
    )
    expect(troubles, 'Nodes that are not Ready or under pressure').toBeNone()
    const nodes = await stack.all('v1/Node')
    for (const text of nodeTroubles(nodes, ours, now).ofOthers) remark(`${text}.`)
    const workers = await workersFor(stack, ours.placement)
    measure('nodes', nodes.length, 'nodes')
    measure('schedulable workers', workers.length, 'nodes')
    expect(
      workers.length,
      "Nodes that take the gateway's pods (Ready, not cordoned, no taint that they do not tolerate)",
    ).toBeGreaterThanOrEqual(2)
    return (
      `${counted(nodes.length, 'node')}, none that the stack may use ` +
      `is in trouble; ${workers.length} take the gateway's pods`
    )
  },
)

check(
  'infra/nodes-zones',
  {
    asserts:
      "the nodes that take the gateway's pods are in the zones that expect.zones of stack.yaml asks for, or in 2 at " +
      'least, by the label topology.kubernetes.io/zone',
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    needs: ['infra/nodes-ready'],
    remedy: [
      'Add workers in another zone, so that the service survives the loss of one (3 zones are recommended)',
      'On nodes that are not of a cloud provider set the label topology.kubernetes.io/zone',
      'Set expect.zones in stack.yaml to the number of zones that the cluster is meant to have',
    ],
  },
  async ({ stack, expect, measure }) => {
    const workers = await workersFor(stack, await gatewayPlacement(stack))
    const without = workers.filter(({ zone }) => zone === undefined).map(({ name }) => name)
    const zones = [...new Set(workers.flatMap(({ zone }) => zone ?? []))].toSorted()
    const { zones: wanted } = stack.config.expect
    if (wanted === undefined && zones.length === 0)
      throw new DoesNotApply(`No node that takes the gateway's pods has the label ${ZONE}: the cluster knows no zones.`)
    if (wanted === undefined && zones.length === 1)
      throw new DoesNotApply(
        `All ${workers.length} nodes that take the gateway's pods are in zone ${zones[0]}: ` +
          'set expect.zones in stack.yaml where there are meant to be more.',
      )
    expect(without, `Nodes that take the gateway's pods, without the label ${ZONE}`).toBeNone()
    measure('zones', zones.length, 'zones')
    const asked = wanted === undefined ? 'at least 2 are expected' : `expect.zones of stack.yaml is ${wanted}`
    expect(zones.length >= (wanted ?? 2)).toHold(
      `The ${workers.length} nodes that take the gateway's pods are in ${zones.length} zones (${zones.join(', ')}); ` +
        asked,
    )
    return `${workers.length} nodes that take the gateway's pods are in ${zones.length} zones: ${zones.join(', ')}`
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
    // AWS keeps the kubelets of Fargate; a virtual node has none.
    const nodes = (await nodesOf(stack)).filter(
      ({ state, life }) => state === 'ready' && life !== 'fargate' && life !== 'virtual',
    )
    expect(nodes.length, 'Ready nodes with a kubelet that can be asked').toBeGreaterThan(0)
    const settings = await Promise.all(
      nodes.map(async ({ name }) => {
        const kubelet = await kubeletSettings(stack.k8s, name)
        if (!kubelet) return []
        expect(kubelet.containerLogMaxSize ?? 'not set', `Node ${name}, kubelet containerLogMaxSize`).toMatch(
          /^[1-9]\d*(Ki|Mi|Gi|k|M|G)?$/,
        )
        expect(kubelet.containerLogMaxFiles ?? 0, `Node ${name}, kubelet containerLogMaxFiles`).toBeGreaterThanOrEqual(
          2,
        )
        return [`${kubelet.containerLogMaxFiles} files of ${kubelet.containerLogMaxSize}`]
      }),
    )
    const all = settings.flat()
    return (
      `${counted(all.length, 'kubelet keeps', 'kubelets keep')} at ` +
      `most ${[...new Set(all)].join(' or ')} for each container`
    )
  },
)
