import type { KubernetesObject } from '../core/object.ts'
import { DoesNotApply } from '../core/problem.ts'
import { quantity } from '../kube/quantity.ts'
import { ZONE, zoneOf } from '../kube/nodes.ts'
import { isRolledOut } from '../kube/rolled-out.ts'
import type { Stack } from '../stack/stack.ts'
import { nodeFact } from '../survey/nodes.ts'
import type { Workload } from '../survey/survey.ts'
import { takes, zonesFor, type PlacedPod } from '../survey/takes.ts'
import { workloadId } from '../survey/workload-id.ts'
import { evict } from './drain.ts'
import { readyPodsOf } from './faults.ts'

/**
 * The zones with a node that takes an ordinary pod of ours, sorted.
 * @throws DoesNotApply where there is no second one
 */
export async function zonesToSpreadOver(stack: Stack): Promise<string[]> {
  const nodes = (await stack.k8s.list('v1/Node')).items.map((node) => nodeFact(node, Date.now()))
  const zones = zonesFor(nodes, {})
  if (zones.length === 0)
    throw new DoesNotApply(`None of the ${nodes.length} nodes has the label ${ZONE}: their zones are not known.`)
  if (zones.length === 1)
    throw new DoesNotApply(`All nodes that take a pod are in zone ${zones[0]}: there is no other to spread over.`)
  return zones
}

/** The difference between the zones with the most and the fewest pods, and how many each has. */
export async function skewOf(
  stack: Stack,
  pods: readonly KubernetesObject[],
  zones: readonly string[],
): Promise<{ skew: number; distribution: string }> {
  const nodes = new Map((await stack.k8s.list('v1/Node')).items.map((node) => [node.metadata?.name, zoneOf(node)]))
  const counts = zones.map((zone) => pods.filter((pod) => nodes.get(pod.spec?.nodeName as string) === zone).length)
  return {
    skew: Math.max(...counts) - Math.min(...counts),
    distribution: zones.map((zone, at) => `${zone} ${counts[at]}`).join(', '),
  }
}

/**
 * Spreads a workload's pods over as many zones as before drains moved them: evicts a pod of the fullest zone at a time,
 * where a zone without one has room for it, and the scheduler places another by the workload's anti-affinity. It gives
 * up after one try per pod. The pods of a DaemonSet are where their nodes are.
 */
export async function spreadAgain(stack: Stack, workload: Workload, zones: number): Promise<void> {
  if (workload.kind === 'DaemonSet') return
  for (let pods = await readyPodsOf(stack, workload), tries = pods.length; tries > 0 && pods.length > 1; tries--) {
    const rooms = await Rooms.read(stack)
    const byZone = Map.groupBy(pods, (pod) => rooms.zoneOf(pod))
    if (byZone.size >= zones) return
    const [fullest] = [...byZone.values()].toSorted((a, b) => b.length - a.length)
    const pod = fullest![0]!
    if (!rooms.zonesWithRoom(pod).some((zone) => !byZone.has(zone))) return
    stack.changes.willDisturb(workloadId(workload))
    await evict(stack, pod)
    await stack.until(workloadId(workload), isRolledOut, 'componentAvailable')
    pods = await readyPodsOf(stack, workload)
  }
}

/** In how many zones a workload's pods run now. */
export async function zoneCount(stack: Stack, workload: Workload): Promise<number> {
  const [rooms, pods] = await Promise.all([Rooms.read(stack), readyPodsOf(stack, workload)])
  return new Set(pods.map((pod) => rooms.zoneOf(pod))).size
}

/** Nodes with what is left on them. */
class Rooms {
  readonly #nodes: readonly KubernetesObject[]
  readonly #pods: readonly KubernetesObject[]

  private constructor(nodes: readonly KubernetesObject[], pods: readonly KubernetesObject[]) {
    this.#nodes = nodes
    this.#pods = pods
  }

  static async read(stack: Stack): Promise<Rooms> {
    const [nodes, pods] = await Promise.all([stack.k8s.list('v1/Node'), stack.k8s.list('v1/Pod')])
    return new Rooms(
      nodes.items,
      pods.items.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed'),
    )
  }

  /** The zone that a pod runs in; empty where its node has no label for it. */
  zoneOf({ spec }: KubernetesObject): string {
    return zoneOf(this.#nodes.find(({ metadata }) => metadata?.name === spec?.nodeName))
  }

  /** The zones with a node that takes a pod and has its requests left. */
  zonesWithRoom(pod: KubernetesObject): string[] {
    const open = this.#nodes.filter(
      (node) => takes(nodeFact(node, Date.now()), (pod.spec ?? {}) as PlacedPod) && this.#hasRoom(node, pod),
    )
    return [...new Set(open.map(zoneOf))]
  }

  #hasRoom({ metadata, status }: KubernetesObject, pod: KubernetesObject): boolean {
    const here = this.#pods.filter(({ spec }) => spec?.nodeName === metadata?.name)
    return ['cpu', 'memory'].every((resource) => {
      const used = here.reduce((sum, each) => sum + requestsOf(each, resource), 0)
      return used + requestsOf(pod, resource) <= quantity(String(status?.allocatable?.[resource] ?? '0'))
    })
  }
}

const requestsOf = ({ spec }: KubernetesObject, resource: string): number =>
  ((spec?.containers ?? []) as { resources?: { requests?: Record<string, string> } }[]).reduce(
    (sum, { resources }) => sum + quantity(resources?.requests?.[resource] ?? '0'),
    0,
  )
