import { deadline, inSeconds, type DeadlineName } from '../core/deadlines.ts'
import { ClusterProblem, StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { currentScope, waitingFor } from '../core/scope.ts'
import { timeLimit } from '../core/time-limit.ts'
import type { Kubernetes } from './kubernetes.ts'
import { objectName, splitKind } from './object-id.ts'
import { watchObjects, type Watched } from './watch.ts'

/** Says what is missing ('Service a/b: Ready is False (RevisionMissing)'), or undefined once the condition is met. */
export type Condition = (objects: KubernetesObject[]) => string | undefined

/**
 * Waits by watch until `condition` holds for the objects watched, and gives them. Between two events nothing runs.
 * @throws StackFailure at the deadline, with what was last missing; ClusterProblem where the API server could not be
 * asked by then
 */
export function until(
  api: Kubernetes,
  watched: Watched,
  condition: Condition,
  within: DeadlineName,
): Promise<KubernetesObject[]> {
  const ms = deadline(within)
  const what = describe(watched)
  return waitingFor(what, ms, (see) => watchUntil(api, watched, condition, { what, ms, see }))
}

const describe = ({ kind, namespace, name, labels }: Watched): string =>
  `${splitKind(kind).kind} ${namespace ? `${namespace}/` : ''}${name ?? (labels ? `[${labels}]` : '*')}`

async function watchUntil(
  api: Kubernetes,
  watched: Watched,
  condition: Condition,
  { what, ms, see }: { what: string; ms: number; see: (missing: string) => void },
): Promise<KubernetesObject[]> {
  const scope = currentScope()
  using limit = timeLimit(ms, scope?.signal)
  let missing: string | undefined
  let unasked = 'the API server answered no LIST'
  let listed = false
  let broke = 0
  let last: KubernetesObject[] = []
  const met = await watchObjects(
    api,
    watched,
    limit.signal,
    (objects) => {
      last = objects
      missing = condition(objects)
      if (missing !== undefined) see(missing)
      return missing === undefined
    },
    {
      listed: () => (listed = true),
      broke: (problem, isList) => {
        if (isList) listed = false
        broke++
        unasked = problem
        see(problem)
      },
    },
  )
  for (const object of last) scope?.touch(object)
  if (met) return last
  if (scope?.signal.aborted) throw scope.signal.reason
  const waited = inSeconds(ms)
  if (!listed && missing === undefined)
    throw new ClusterProblem(`no ${what} within ${waited}: ${unasked}`, { transient: true })
  // A condition of several objects names the one that lacks it; of one the sentence begins with what is waited for.
  const subject = missing?.startsWith(what) ? '' : `${what}: `
  if (!listed) {
    throw new ClusterProblem(`${subject}${missing}, when it could last be read; waited ${waited}: ${unasked}`, {
      transient: true,
    })
  }
  const trouble = broke ? `; the watch was begun again ${broke} times: ${unasked}` : ''
  throw new StackFailure(`${subject}${missing}, after ${waited}${trouble}`)
}

/** A condition of an object's status by its type, or undefined. */
export const conditionOf = (
  object: KubernetesObject,
  type: string,
): { status: string; reason?: string; message?: string } | undefined =>
  object.status?.conditions?.find((each: { type: string }) => each.type === type)

/** What is missing for `type` to be True in this generation, or undefined where it is. */
export function missingCondition(object: KubernetesObject, type: string): string | undefined {
  const observed = object.status?.observedGeneration as number | undefined
  if (observed !== undefined && observed < (object.metadata?.generation ?? 0)) {
    return `${objectName(object)}: status.observedGeneration is ${observed}, expected ${object.metadata?.generation}`
  }
  const condition = conditionOf(object, type)
  if (condition?.status === 'True') return undefined
  const why = [condition?.reason, condition?.message].filter(Boolean).join(': ')
  const status = `${condition?.status ?? 'not set'}${why ? ` (${why})` : ''}`
  return `${objectName(object)}: ${type} is ${status}; expected ${type}=True`
}

/** The condition that there is at least one object and `type` is True for every one. */
export const allTrue =
  (type: string, atLeast = 1): Condition =>
  (objects) =>
    objects.length < atLeast
      ? `${objects.length} of ${atLeast} objects exist`
      : objects.map((object) => missingCondition(object, type)).find((missing) => missing !== undefined)

/** The condition that a pod is Ready and not on its way out, for at least `count` of those watched. */
export const podsReady =
  (count: number): Condition =>
  (pods) => {
    const ready = pods.filter((pod) => !pod.metadata?.deletionTimestamp && conditionOf(pod, 'Ready')?.status === 'True')
    if (ready.length >= count) return undefined
    const why = pods.map((pod) => podTrouble(pod)).filter(Boolean)
    return `${ready.length} of ${count} pods Ready${why.length ? ` (${why.slice(0, 3).join('; ')})` : ''}`
  }

/** Why a pod does not run, in the kubelet's or the scheduler's words. */
export function podTrouble(pod: KubernetesObject): string {
  const waiting = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
    .map((each: KubernetesObject) => each.state?.waiting)
    .find((state) => state && state.reason !== 'PodInitializing' && state.reason !== 'ContainerCreating')
  if (waiting) return `${pod.metadata?.name}: ${waiting.reason}${waiting.message ? ` ${waiting.message}` : ''}`
  const unscheduled = conditionOf(pod, 'PodScheduled')
  return unscheduled?.status === 'False' ? `${pod.metadata?.name}: ${unscheduled.message ?? unscheduled.reason}` : ''
}
