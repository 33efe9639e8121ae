import { Watch } from '@kubernetes/client-node'
import { deadline, type DeadlineName } from '../core/deadlines.ts'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { currentScope } from '../core/scope.ts'
import { timeLimit } from '../core/time-limit.ts'
import { plainProblem } from './errors.ts'
import { objectName, splitKind, type KindName, type Kubernetes } from './kubernetes.ts'

/** Which objects are watched: one by name, or those of a label selector. */
export interface Watched {
  kind: KindName
  namespace?: string | undefined
  name?: string
  labels?: string
}

/** Says what is still missing, as the end of a sentence ('Ready is False (RevisionMissing)'), or undefined once it is met. */
export type Condition = (objects: KubernetesObject[]) => string | undefined

/**
 * Waits by watch until `condition` holds for the objects watched, and gives them. Between two events nothing runs.
 * @throws StackFailure at the deadline, with what was last missing
 */
export async function until(
  api: Kubernetes,
  watched: Watched,
  condition: Condition,
  within: DeadlineName,
): Promise<KubernetesObject[]> {
  const ms = deadline(within)
  const what = describe(watched)
  const work = () => watchUntil(api, watched, condition, what, ms)
  const scope = currentScope()
  return scope ? scope.waiting(what, ms, work) : work()
}

const describe = ({ kind, namespace, name, labels }: Watched): string =>
  `${splitKind(kind).kind} ${namespace ? `${namespace}/` : ''}${name ?? (labels ? `[${labels}]` : '*')}`

async function watchUntil(
  api: Kubernetes,
  watched: Watched,
  condition: Condition,
  what: string,
  ms: number,
): Promise<KubernetesObject[]> {
  const scope = currentScope()
  using limit = timeLimit(ms, scope?.signal)
  const started = performance.now()
  let missing: string | undefined = 'nothing was seen yet'
  let last: KubernetesObject[] = []
  const met = await watchObjects(api, watched, limit.signal, (objects) => {
    last = objects
    missing = condition(objects)
    return missing === undefined
  })
  for (const object of last) scope?.touch(object)
  if (met) return last
  if (scope?.signal.aborted) throw scope.signal.reason
  throw new StackFailure(
    `${what}: not met within ${Math.round((performance.now() - started) / 1000)} s. Last seen: ${missing}.`,
  )
}

/**
 * Follows objects by LIST and watch: calls `see` with all of them at first and after every event, until it gives true (and so does
 * this) or `stop` aborts (false). A watch that ends is begun again.
 */
export async function watchObjects(
  api: Kubernetes,
  watched: Watched,
  stop: AbortSignal,
  see: (objects: KubernetesObject[]) => boolean,
): Promise<boolean> {
  const objects = new Map<string, KubernetesObject>()
  while (!stop.aborted) {
    const { items, resourceVersion } = await readNow(api, watched)
    objects.clear()
    for (const item of items) objects.set(keyOf(item), item)
    if (see([...objects.values()])) return true
    const ended = await follow(api, watched, resourceVersion, stop, (type, object) => {
      if (type === 'DELETED') objects.delete(keyOf(object))
      else objects.set(keyOf(object), object)
      return see([...objects.values()])
    })
    if (ended === 'met') return true
  }
  return false
}

const keyOf = (object: KubernetesObject): string => `${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`

/** A LIST, even of one by name: it gives the resourceVersion from which a watch misses nothing. */
const readNow = (api: Kubernetes, { kind, namespace, name, labels }: Watched) =>
  api.list(kind, { namespace, ...(labels ? { labels } : {}), ...(name ? { fields: `metadata.name=${name}` } : {}) })

/**
 * Follows one watch from `resourceVersion` until `hear` gives true ('met') or the watch ends ('ended': the server closes it now
 * and then, client-node after 30 s without an event; the caller reads again and goes on).
 */
async function follow(
  api: Kubernetes,
  { kind, namespace, name, labels }: Watched,
  resourceVersion: string,
  stop: AbortSignal,
  hear: (type: string, object: KubernetesObject) => boolean,
): Promise<'met' | 'ended'> {
  const path = await api.path({ kind, name: '', namespace })
  const watch = new Watch(api.config)
  return new Promise((resolve, reject) => {
    const query = {
      resourceVersion,
      ...(labels ? { labelSelector: labels } : {}),
      ...(name ? { fieldSelector: `metadata.name=${name}` } : {}),
    }
    let controller: AbortController | undefined
    const finish = (how: 'met' | 'ended') => {
      stop.removeEventListener('abort', onStop)
      controller?.abort()
      resolve(how)
    }
    const onStop = () => finish('ended')
    stop.addEventListener('abort', onStop)
    watch
      .watch(
        path,
        query,
        (type: string, object: KubernetesObject) => {
          if (type === 'ERROR') return finish('ended') // 410: the version is too old, so read again
          if (type === 'BOOKMARK') return
          if (hear(type, object)) finish('met')
        },
        (problem: unknown) => {
          const code = (problem as { statusCode?: number } | null)?.statusCode
          if (code === 401 || code === 403) reject(plainProblem(problem, `watching ${kind}`, api.server))
          else finish('ended')
        },
      )
      .then(
        (made) => {
          controller = made
          if (stop.aborted) made.abort()
        },
        (problem: unknown) => reject(plainProblem(problem, `watching ${kind}`, api.server)),
      )
  })
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
    return `${objectName(object)} is at generation ${object.metadata?.generation}, its status still at ${observed}`
  }
  const condition = conditionOf(object, type)
  if (condition?.status === 'True') return undefined
  const why = [condition?.reason, condition?.message].filter(Boolean).join(': ')
  return `${type} of ${objectName(object)} is ${condition?.status ?? 'not there'}${why ? ` (${why})` : ''}`
}

/** The condition that there is at least one object and `type` is True for every one. */
export const allTrue =
  (type: string, atLeast = 1): Condition =>
  (objects) =>
    objects.length < atLeast
      ? `${objects.length} of ${atLeast} are there`
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
