import { Controller } from '../api/controller.ts'
import { withConditions, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { selects, type LabelSelector } from '../api/selectors.ts'
import { tellEvent } from './events.ts'
import type { KubernetesHooks } from './hooks.ts'
import { milliCpu, memoryBytes } from './quantities.ts'

interface Spread {
  topologyKey: string
  maxSkew: number
  whenUnsatisfiable: string
  nodeTaintsPolicy?: string
  labelSelector?: LabelSelector
}

interface AffinityTerm {
  topologyKey: string
  labelSelector?: LabelSelector
}

const ZONE = 'topology.kubernetes.io/zone'

/**
 * Gives pods without a node one: filters by cordon, taints, selectors, room, anti-affinity and hard spread, then
 * scores.
 */
export function runScheduler(objects: Objects, hooks: KubernetesHooks): void {
  const scheduler = new Controller('scheduler', (name, namespace) => schedule(objects, hooks, name, namespace))
  scheduler.watch(objects, 'pods', (pod) =>
    pod.spec?.nodeName || pod.metadata.deletionTimestamp ? undefined : pod.metadata,
  )
  const waiting = () => {
    for (const pod of objects.list('pods'))
      if (!pod.spec.nodeName) scheduler.enqueue(pod.metadata.name, pod.metadata.namespace)
  }
  objects.store.listen('nodes', waiting)
  objects.store.listen('pods', ({ type, object }) => {
    if (type === 'DELETED' && object.spec?.nodeName) waiting()
  })
}

function schedule(objects: Objects, hooks: KubernetesHooks, name: string, namespace: string | undefined): void {
  const pod = objects.get('pods', name, namespace)
  if (!pod || pod.spec.nodeName || pod.metadata.deletionTimestamp) return
  // One that waits for another scheduler, or is over, is none of this one's.
  if (pod.spec.schedulerName !== 'default-scheduler' || /Failed|Succeeded/.test(String(pod.status?.phase))) return
  const pods = objects.list('pods').filter((each) => each.spec.nodeName && !each.metadata.deletionTimestamp)
  const nodes = objects.list('nodes')
  const reasons = new Map<string, number>()
  const fitting = nodes.filter((node) => {
    const why = whyNot(pod, node, nodes, pods)
    if (why) reasons.set(why, (reasons.get(why) ?? 0) + 1)
    return !why
  })
  if (fitting.length === 0) {
    const summary = [...reasons].map(([why, count]) => `${count} ${why}`).join(', ')
    const message = `0/${nodes.length} nodes are available: ${summary}.`
    objects.change(
      'pods',
      name,
      namespace,
      (draft) => {
        draft.status.conditions = withConditions(draft.status.conditions, {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message,
        })
      },
      'status',
    )
    tellEvent(objects, pod, 'FailedScheduling', message, 'Warning')
    return
  }
  const score = new Map(fitting.map((node) => [node, scoreOf(pod, node, nodes, pods)]))
  const ranked = fitting.toSorted((a, b) => (score.get(b) ?? 0) - (score.get(a) ?? 0))
  const [best] = hooks.placing.apply(ranked, { pod, nodes })
  const nodeName = best!.metadata.name
  objects.change('pods', name, namespace, (draft) => void (draft.spec.nodeName = nodeName))
  tellEvent(objects, pod, 'Scheduled', `Successfully assigned ${namespace ?? ''}/${name} to ${nodeName}`)
}

interface Taint {
  key: string
  value?: string
  effect: string
}

/** The first taint of a node that keeps a pod away. */
export function untoleratedTaint(pod: KubeObject, node: KubeObject): Taint | undefined {
  const tolerations = (pod.spec.tolerations ?? []) as {
    key?: string
    operator?: string
    effect?: string
    value?: string
  }[]
  return ((node.spec?.taints ?? []) as Taint[]).find(
    ({ key, value, effect }) =>
      effect !== 'PreferNoSchedule' &&
      !tolerations.some(
        (each) =>
          (!each.key || each.key === key) &&
          (!each.effect || each.effect === effect) &&
          (each.operator === 'Exists' || (each.value ?? '') === (value ?? '')),
      ),
  )
}

/** Why a pod does not fit on a node, in the scheduler's words, or undefined where it does. */
function whyNot(pod: KubeObject, node: KubeObject, nodes: KubeObject[], pods: KubeObject[]): string | undefined {
  if (node.spec?.unschedulable) return 'node(s) were unschedulable'
  const taint = untoleratedTaint(pod, node)
  if (taint) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`
  const labels = node.metadata.labels ?? {}
  const wanted = Object.entries((pod.spec.nodeSelector ?? {}) as Record<string, string>)
  if (!wanted.every(([key, value]) => labels[key] === value)) return "node(s) didn't match Pod's node affinity/selector"
  const here = pods.filter((each) => each.spec.nodeName === node.metadata.name)
  const used = (read: (pod: KubeObject) => number) => here.reduce((sum, each) => sum + read(each), 0)
  const { cpu, memory } = node.status.allocatable
  if (used(cpuOf) + cpuOf(pod) > milliCpu(cpu)) return 'Insufficient cpu'
  if (used(memoryOf) + memoryOf(pod) > memoryBytes(memory)) return 'Insufficient memory'
  const apart = (pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ??
    []) as AffinityTerm[]
  if (apart.some((term) => matching(pod, node, nodes, pods, term) > 0))
    return "node(s) didn't match pod anti-affinity rules"
  const spreads = ((pod.spec.topologySpreadConstraints ?? []) as Spread[]).filter(
    (each) => each.whenUnsatisfiable !== 'ScheduleAnyway',
  )
  if (spreads.some((each) => skewWith(pod, node, nodes, pods, each) > each.maxSkew))
    return "node(s) didn't match pod topology spread constraints"
  return undefined
}

const cpuOf = (pod: KubeObject): number => requestsOf(pod, 'cpu', milliCpu)
const memoryOf = (pod: KubeObject): number => requestsOf(pod, 'memory', memoryBytes)
const requestsOf = (pod: KubeObject, what: string, read: (quantity: string) => number): number =>
  ((pod.spec.containers ?? []) as KubeObject[]).reduce(
    (sum, each) => sum + read(String(each.resources?.requests?.[what] ?? '0')),
    0,
  )

/** How many pods that a term selects run where the node is, by the term's topology. */
function matching(
  pod: KubeObject,
  node: KubeObject,
  nodes: KubeObject[],
  pods: KubeObject[],
  term: AffinityTerm,
): number {
  const place = node.metadata.labels?.[term.topologyKey]
  const there = new Set(
    nodes.filter((each) => each.metadata.labels?.[term.topologyKey] === place).map((each) => each.metadata.name),
  )
  return pods.filter(
    (each) =>
      each.metadata.namespace === pod.metadata.namespace &&
      there.has(each.spec.nodeName as string) &&
      selects(term.labelSelector, each.metadata.labels),
  ).length
}

/** By how many pods the node's place would be ahead of the emptiest one, with this pod on it. */
function skewWith(pod: KubeObject, node: KubeObject, nodes: KubeObject[], pods: KubeObject[], spread: Spread): number {
  // Tainted nodes count too: nodeTaintsPolicy is Ignore where a constraint does not say otherwise.
  const open = nodes.filter(
    (each) =>
      each.metadata.labels?.[spread.topologyKey] &&
      (spread.nodeTaintsPolicy !== 'Honor' || !(each.spec?.unschedulable || untoleratedTaint(pod, each))),
  )
  const counts = open.map((each) => matching(pod, each, nodes, pods, spread))
  return matching(pod, node, nodes, pods, spread) + 1 - Math.min(...counts)
}

function scoreOf(pod: KubeObject, node: KubeObject, nodes: KubeObject[], pods: KubeObject[]): number {
  const soft = ((pod.spec.topologySpreadConstraints ?? []) as Spread[]).reduce(
    (sum, each) => sum + matching(pod, node, nodes, pods, each) * 20,
    0,
  )
  const preferred = (pod.spec.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) as {
    weight: number
    podAffinityTerm: AffinityTerm
  }[]
  const avoided = preferred.reduce(
    (sum, { weight, podAffinityTerm }) => sum + weight * matching(pod, node, nodes, pods, podAffinityTerm),
    0,
  )
  const siblings = matching(pod, node, nodes, pods, {
    topologyKey: 'kubernetes.io/hostname',
    labelSelector: { matchLabels: pod.metadata.labels ?? {} },
  })
  const zoneSiblings = matching(pod, node, nodes, pods, {
    topologyKey: ZONE,
    labelSelector: { matchLabels: pod.metadata.labels ?? {} },
  })
  const load = pods.filter((each) => each.spec.nodeName === node.metadata.name).length
  return -(soft + avoided + siblings * 10 + zoneSiblings * 5) - load * 0.1
}
