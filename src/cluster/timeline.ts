import type { KubernetesObject } from '../core/object.ts'
import { pass } from '../core/pause.ts'
import { ClusterProblem } from '../core/problem.ts'
import { asTraffic, currentScope } from '../core/scope.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { listWatched, watchObjects, type Watched } from '../kube/watch.ts'

/** The objects watched, as they were from `at` on (milliseconds since the recording began). */
export interface Snapshot {
  at: number
  objects: KubernetesObject[]
}

/** A value from a moment on, until the next one's. */
export interface Step<T> {
  at: number
  value: T
}

/** The value at a moment, or undefined before the first. */
export const valueAt = <T>(steps: readonly Step<T>[], at: number): T | undefined =>
  steps.findLast((step) => step.at <= at)?.value

/** What snapshots show of one thing: a step for each change of it; a moment that shows nothing is passed over. */
export function stepsOf<T>(
  snapshots: readonly Snapshot[],
  read: (objects: KubernetesObject[]) => T | undefined,
): Step<T>[] {
  const steps: Step<T>[] = []
  for (const { at, objects } of snapshots) {
    const value = read(objects)
    if (value !== undefined && value !== steps.at(-1)?.value) steps.push({ at, value })
  }
  return steps
}

/** Records by watch every state of the objects while `work` goes on, and gives them with what the work gave. */
export async function recordWhile<T>(
  api: Kubernetes,
  watched: Watched,
  work: () => Promise<T>,
  started = performance.now(),
): Promise<{ snapshots: Snapshot[]; result: T }> {
  const snapshots: Snapshot[] = []
  const over = new AbortController()
  const seen = Promise.withResolvers<void>()
  const record = (objects: KubernetesObject[]) => {
    snapshots.push({ at: performance.now() - started, objects })
    seen.resolve()
    return false
  }
  // Where nothing can be read at first there is nothing to record.
  const broke = (problem: string) => seen.reject(new ClusterProblem(problem, { transient: true }))
  const recording = watchObjects(api, watched, over.signal, record, { broke })
  recording.catch(seen.reject)
  try {
    // What stood before the work is part of the record.
    await seen.promise
    const result = await work()
    // What the work waited for may be known before the watch has told of what came before it.
    const { items } = await listWatched(api, watched)
    snapshots.push({ at: performance.now() - started, objects: items })
    return { snapshots, result }
  } finally {
    over.abort()
    await recording.catch(() => undefined)
    for (const object of snapshots.at(-1)?.objects ?? []) currentScope()?.touch(object)
  }
}

/** A time that passes while something is recorded: the window itself is what the check is about. */
export const forSeconds =
  (seconds: number, signal: AbortSignal): (() => Promise<void>) =>
  () =>
    asTraffic(`${seconds} s to pass`, seconds * 1000, () => pass(seconds * 1000, signal))
