import type { KubernetesObject } from '../check/record.ts'
import { currentScope } from '../check/scope.ts'
import type { Kubernetes } from './kubernetes.ts'
import { watchObjects, type Watched } from './until.ts'

/** The objects watched, as they were from `at` on (milliseconds since the recording began). */
export interface Snapshot {
  at: number
  objects: KubernetesObject[]
}

/** Records by watch every state of the objects while `work` goes on, and gives them with what the work gave. */
export async function recordWhile<T>(
  api: Kubernetes,
  watched: Watched,
  work: () => Promise<T>,
): Promise<{ snapshots: Snapshot[]; result: T }> {
  const started = performance.now()
  const snapshots: Snapshot[] = []
  const over = new AbortController()
  const recording = watchObjects(api, watched, over.signal, (objects) => {
    snapshots.push({ at: performance.now() - started, objects })
    return false
  })
  try {
    const result = await work()
    // What the work waited for may be known before the watch has told of what came before it.
    const { kind, namespace, labels, name } = watched
    const fields = name ? { fields: `metadata.name=${name}` } : {}
    const { items } = await api.list(kind, { namespace, ...(labels ? { labels } : {}), ...fields })
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
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * 1000)
      signal.addEventListener('abort', () => {
        clearTimeout(timer)
        reject(signal.reason as Error)
      })
    })
