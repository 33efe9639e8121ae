import type { KubernetesObject } from '../core/object.ts'
import { zoneOf } from '../kube/nodes.ts'
import { conditionOf } from '../kube/until.ts'
import { found, type Fact } from './fact.ts'
import type { Readings } from './readings.ts'
import type { NodeFact } from './survey.ts'

/** The nodes, each with what state it is in and what kind of life it leads. */
export async function readNodes(readings: Readings): Promise<Fact<NodeFact[]>> {
  const nodes = await readings.list('v1/Node')
  const now = (await readings.k8s.clock()).getTime()
  return found(
    nodes.map((node) => nodeFact(node, now)),
    'LIST nodes',
  )
}

/** A node as the survey has it; `now` is the API server's time in milliseconds. */
export function nodeFact(node: KubernetesObject, now: number): NodeFact {
  const labels = node.metadata?.labels ?? {}
  const zone = zoneOf(node)
  return {
    name: node.metadata?.name ?? '',
    ...(zone ? { zone } : {}),
    os: labels['kubernetes.io/os'] ?? String(node.status?.nodeInfo?.operatingSystem ?? 'linux'),
    arch: labels['kubernetes.io/arch'] ?? String(node.status?.nodeInfo?.architecture ?? ''),
    ...stateOf(node, now),
    life: lifeOf(node),
    labels,
    taints: taintsOf(node),
  }
}

type Taint = NodeFact['taints'][number]

const taintsOf = (node: KubernetesObject): Taint[] => (node.spec?.taints ?? []) as Taint[]

/** How long a node may take to become Ready after it has joined. */
const COMING_MS = 5 * 60_000

// Taints of what takes nodes away: Karpenter, cluster-autoscaler, AWS's termination handler, an admin.
const LEAVING =
  /^(karpenter\.sh\/(disrupted|disruption)|ToBeDeletedByClusterAutoscaler|aws-node-termination-handler\/.*|node\.kubernetes\.io\/out-of-service)$/
// Taints that a node has until its parts are up; they go by themselves.
const COMING =
  /^(karpenter\.sh\/unregistered|node\.cloudprovider\.kubernetes\.io\/uninitialized|cni\.istio\.io\/not-ready|node\.cilium\.io\/agent-not-ready|ebs\.csi\.aws\.com\/agent-not-ready|(startup-taint|ignore-taint)\.cluster-autoscaler\.kubernetes\.io\/.*)$/

/** Whether a node takes pods now, has just joined, is on its way out, or has a trouble of its own. */
function stateOf(node: KubernetesObject, now: number): { state: NodeFact['state']; why?: string } {
  if (node.metadata?.deletionTimestamp) return { state: 'leaving', why: 'it is being deleted' }
  const leaving = taintsOf(node).find(({ key, effect }) => LEAVING.test(key) && effect !== 'PreferNoSchedule')
  if (leaving) return { state: 'leaving', why: `taint ${leaving.key}` }
  if (node.spec?.unschedulable) return { state: 'leaving', why: 'it is cordoned' }
  const coming = taintsOf(node).find(({ key }) => COMING.test(key))
  if (coming) return { state: 'coming', why: `taint ${coming.key}` }
  const ready = conditionOf(node, 'Ready')
  if (ready?.status === 'True') return { state: 'ready' }
  const why = `Ready is ${ready?.status ?? 'not set'}${ready?.reason ? ` (${ready.reason})` : ''}`
  const age = now - new Date(node.metadata?.creationTimestamp ?? 0).getTime()
  return age < COMING_MS
    ? { state: 'coming', why: `it joined ${Math.round(age / 1000)} s ago` }
    : { state: 'sick', why }
}

function lifeOf(node: KubernetesObject): NodeFact['life'] {
  const labels = node.metadata?.labels ?? {}
  const compute = labels['eks.amazonaws.com/compute-type']
  if (compute === 'fargate' || compute === 'hybrid' || compute === 'auto') return compute
  const isVirtual = labels.type === 'virtual-kubelet' || hasTaint(node, 'virtual-kubelet.io/provider')
  if (isVirtual) return 'virtual'
  const isSpot =
    labels['karpenter.sh/capacity-type'] === 'spot' ||
    labels['eks.amazonaws.com/capacityType'] === 'SPOT' ||
    labels['cloud.google.com/gke-spot'] === 'true' ||
    labels['kubernetes.azure.com/scalesetpriority'] === 'spot'
  return isSpot ? 'spot' : 'plain'
}

const hasTaint = (node: KubernetesObject, key: string): boolean => taintsOf(node).some((taint) => taint.key === key)
