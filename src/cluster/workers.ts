import { valueOr } from '../survey/fact.ts'
import { nodeFact } from '../survey/nodes.ts'
import type { NodeFact } from '../survey/survey.ts'
import { takes, type PlacedPod } from '../survey/takes.ts'
import { workloadId } from '../survey/workload-id.ts'
import type { Cluster } from './cluster.ts'

/** The part of a cluster that knows its nodes. */
type WithNodes = Pick<Cluster, 'all' | 'k8s'>

/** The nodes as they were last listed: a run's LIST, or the one after `forgetLists`. */
export async function nodesOf(cluster: WithNodes): Promise<NodeFact[]> {
  const [nodes, now] = await Promise.all([cluster.all('v1/Node'), cluster.k8s.clock()])
  return nodes.map((node) => nodeFact(node, now.getTime()))
}

/** The nodes that take a pod of this placement now; a plain one, as most of ours are, where none is given. */
export const workersFor = async (cluster: WithNodes, pod: PlacedPod = {}): Promise<NodeFact[]> =>
  (await nodesOf(cluster)).filter((node) => takes(node, pod))

/** Where the certified gateway's pods may run, by their template; that of a plain pod where no gateway is known. */
export async function gatewayPlacement(cluster: Pick<Cluster, 'survey' | 'maybe'>): Promise<PlacedPod> {
  const gateways = valueOr((await cluster.survey()).gateways, [])
  const workload = gateways.find(({ role }) => role === 'certified')?.workloads[0]
  if (!workload) return {}
  const found = await cluster.maybe(workloadId(workload).kind, workload.name, workload.namespace)
  return (found?.spec?.template?.spec ?? {}) as PlacedPod
}
