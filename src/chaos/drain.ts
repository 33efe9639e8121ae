import { evictAllowed } from '../cluster/restart.ts'
import { putBack } from '../cluster/restoring.ts'
import type { KubernetesObject } from '../core/object.ts'
import { DoesNotApply, StackFailure } from '../core/problem.ts'
import { nameOfId, type ObjectId } from '../kube/object-id.ts'
import { readinessTroubles } from '../kube/pods.ts'
import { isRolledOut, isRolledOutOrGone } from '../kube/rolled-out.ts'
import { conditionOf } from '../kube/until.ts'
import type { Stack } from '../stack/stack.ts'
import type { NodeFact } from '../survey/survey.ts'
import { DrainView } from './drain-view.ts'
import { isWorkload } from './pod-owners.ts'

/** The result of a drain. */
export interface Drained {
  nodes: string[]
  evicted: number
  /** Evictions that a budget refused at first. */
  refused: number
  seconds: number
}

/**
 * Drains nodes together, like `kubectl drain`: cordons them (journaled, undone when the check ends), evicts every pod
 * except those of DaemonSets by the eviction API, retries while a budget refuses, and waits until whatever owns an
 * evicted pod has all its pods again. It does not wait for pods that are terminating. Then it uncordons the nodes.
 * @throws DoesNotApply where a pod would lose something by it, before anything is changed; StackFailure naming the
 * budget that never allows a disruption, or the missing resource
 */
export async function drain(stack: Stack, nodes: readonly NodeFact[]): Promise<Drained> {
  const started = performance.now()
  const names = nodes.map(({ name }) => name)
  // What the nodes hold may have changed since they were chosen.
  const view = await DrainView.read(stack)
  const now = view.nodes.filter(({ name }) => names.includes(name))
  const losses = await view.losses(now)
  if (losses.length) throw new DoesNotApply(`Node ${names.join(', ')} may not be drained any more: ${losses[0]}.`)
  const leaving = view.leaving(now)
  const [forbidden] = view.forbidden(leaving)
  if (forbidden)
    throw new StackFailure(
      `${forbidden.why}, so pod ${forbidden.pod.metadata?.name} cannot be evicted and its node cannot be drained.`,
    )
  const disturbed = await wholeOwnersOf(stack, view, leaving)
  for (const owner of disturbed) stack.changes.willDisturb(owner)
  for (const name of names) await stack.changes.tune('v1/Node', undefined, name, { spec: { unschedulable: true } })
  const refusals = await Promise.all(leaving.map((pod) => evict(stack, pod)))
  await untilRolledOut(stack, disturbed)
  for (const name of names) {
    await putBack(stack.k8s, { kind: 'v1/Node', name }, { spec: { unschedulable: null } })
    await stack.until({ kind: 'v1/Node', name }, isBack, 'nodeBack')
  }
  stack.forgetLists()
  return {
    nodes: names,
    evicted: leaving.length,
    refused: refusals.reduce((sum, count) => sum + count, 0),
    seconds: (performance.now() - started) / 1000,
  }
}

/**
 * What owns pods and has all of them now, each once. A workload that lacks some before the drain, such as a tenant's
 * whose image does not exist, would be waited for in vain.
 */
async function wholeOwnersOf(
  stack: Stack,
  { owners }: DrainView,
  pods: readonly KubernetesObject[],
): Promise<ObjectId[]> {
  const all = await Promise.all(pods.map((pod) => owners.of(pod)))
  const known = all.filter((owner) => owner !== undefined).filter(isWorkload)
  const once = [...new Map(known.map((owner) => [nameOfId(owner), owner])).values()]
  const found = await Promise.all(once.map(({ kind, name, namespace }) => stack.k8s.find(kind, name, namespace)))
  return once.filter((_, at) => found[at] !== undefined && isRolledOut([found[at]]) === undefined)
}

/** Evicts a pod, retrying while its budget refuses; gives the number of refusals. */
export function evict(stack: Stack, pod: KubernetesObject): Promise<number> {
  const { namespace = '' } = pod.metadata ?? {}
  return evictAllowed(stack.k8s, pod).catch((problem: unknown) => failWithReasons(stack, problem, namespace))
}

/**
 * Throws a failure with the reasons why pods of a namespace are not Ready: a budget waits forever for a pod that cannot
 * be scheduled.
 */
async function failWithReasons(
  stack: Stack,
  problem: unknown,
  namespace: string,
  isRelevant: (pod: KubernetesObject) => boolean = () => true,
): Promise<never> {
  if (!(problem instanceof StackFailure)) throw problem
  const { items } = await stack.k8s.list('v1/Pod', { namespace })
  const reasons = readinessTroubles(items.filter(isRelevant)).slice(0, 3)
  throw new StackFailure(`${problem.message} ${reasons.join('; ')}`.trim(), { cause: problem })
}

/**
 * Waits until workloads have all their pods again. One that was deleted meanwhile does not count.
 * @throws StackFailure with why a pod is not Ready, such as the missing resource
 */
async function untilRolledOut(stack: Stack, workloads: readonly ObjectId[]): Promise<void> {
  for (const workload of workloads) {
    const all = stack.until(workload, isRolledOutOrGone, 'componentAvailable')
    await all.catch((problem: unknown) =>
      failWithReasons(stack, problem, workload.namespace ?? '', (pod) =>
        Boolean(pod.metadata?.name?.startsWith(`${workload.name}-`)),
      ),
    )
  }
}

/** A node that an autoscaler took away, since it was empty, does not have to come back. */
const isBack = ([node]: KubernetesObject[]): string | undefined => {
  if (!node) return undefined
  if (node.spec?.unschedulable) return 'it is still cordoned'
  const ready = conditionOf(node, 'Ready')
  return ready?.status === 'True' ? undefined : `Ready is ${ready?.status ?? 'not reported'} (${ready?.message ?? ''})`
}
