import type { KubernetesObject } from '../core/object.ts'
import { alivePods } from '../kube/pods.ts'
import { conditionOf } from '../kube/until.ts'
import { nodeFact } from '../survey/nodes.ts'
import { stackNamespaces } from '../survey/stack-namespaces.ts'
import type { NodeFact } from '../survey/survey.ts'
import { takes, type PlacedPod } from '../survey/takes.ts'
import type { Cluster } from './cluster.ts'
import { gatewayPlacement } from './workers.ts'

const PRESSURES = ['MemoryPressure', 'DiskPressure', 'PIDPressure']
const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane'
/** Taints that Kubernetes itself gives a node in trouble: without them it would be what it is for. */
const OF_TROUBLE = /^node\.kubernetes\.io\//

/** What is wrong with nodes: with those that the stack uses or may use, and with all others. */
export interface NodeTroubles {
  ofStack: string[]
  /** Nodes that join or leave, spot nodes that were taken away, and those that no pod of the stack may run on. */
  ofOthers: string[]
}

/** By what a node is the stack's. */
export interface StackNodes {
  /** Where the gateway's pods may run. */
  placement: PlacedPod
  /** The nodes with a pod of the stack, DaemonSets' apart. */
  hosts: ReadonlySet<string>
}

/** Whether the stack runs on a node, or would if the node were well; nodes of the control plane are everybody's. */
export const isForStack = (node: NodeFact, { placement, hosts }: StackNodes): boolean =>
  CONTROL_PLANE in node.labels ||
  hosts.has(node.name) ||
  takes({ ...node, state: 'ready', taints: node.taints.filter(({ key }) => !OF_TROUBLE.test(key)) }, placement)

/** By what the nodes of a cluster are the stack's. */
export async function stackNodes(cluster: Cluster): Promise<StackNodes> {
  const namespaces = stackNamespaces(await cluster.survey())
  const pods = alivePods(await cluster.all('v1/Pod')).filter(
    ({ metadata }) =>
      namespaces.has(metadata?.namespace ?? '') && !metadata?.ownerReferences?.some(({ kind }) => kind === 'DaemonSet'),
  )
  return {
    placement: await gatewayPlacement(cluster),
    hosts: new Set(pods.flatMap(({ spec }) => (spec?.nodeName as string | undefined) ?? [])),
  }
}

/** Says what is wrong with nodes; `now` is the API server's time in milliseconds. */
export function nodeTroubles(nodes: readonly KubernetesObject[], stack: StackNodes, now: number): NodeTroubles {
  const troubles: NodeTroubles = { ofStack: [], ofOthers: [] }
  for (const object of nodes) {
    const node = nodeFact(object, now)
    if (node.state === 'coming' || node.state === 'leaving') {
      troubles.ofOthers.push(`Node ${node.name} is ${node.state === 'coming' ? 'joining' : 'leaving'}: ${node.why}`)
      continue
    }
    const found = [...sickness(object, node), ...pressureOn(object)]
    const isOurs = isForStack(node, stack) && !(node.state === 'sick' && node.life === 'spot')
    troubles[isOurs ? 'ofStack' : 'ofOthers'].push(...found)
  }
  return troubles
}

function sickness(object: KubernetesObject, { name, state, life }: NodeFact): string[] {
  if (state !== 'sick') return []
  const ready = conditionOf(object, 'Ready')
  const why = `${ready?.reason ?? 'no reason'}: ${ready?.message ?? ''}`
  return [`${life === 'spot' ? 'Spot node' : 'Node'} ${name}: Ready=${ready?.status ?? 'not reported'} (${why})`]
}

const pressureOn = (object: KubernetesObject): string[] =>
  PRESSURES.filter((type) => conditionOf(object, type)?.status === 'True').map(
    (type) => `Node ${object.metadata?.name}: ${type}=True`,
  )
