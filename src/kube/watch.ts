import type { KubernetesObject } from '../core/object.ts'
import { Backoff, pass } from '../core/pause.ts'
import { ClusterProblem } from '../core/problem.ts'
import { statusOf, ApiRefusal } from './errors.ts'
import type { Kubernetes } from './kubernetes.ts'
import { linesOf } from './lines.ts'
import { withoutManagers } from './list.ts'
import type { KindName } from './object-id.ts'

// client-node's Watch and its informer do not fit: Watch passes over lines that are no JSON and over what its callback
// throws, the informer stops for good at the first failed LIST, and neither tells what went wrong.

/** Which objects are watched: one by name, or those of a label selector. */
export interface Watched {
  kind: KindName
  namespace?: string | undefined
  name?: string
  labels?: string
}

/** What a watch hears besides objects. */
export interface WatchTrouble {
  /** A LIST was answered: what was heard before is over. */
  listed?: () => void
  /** A LIST failed, or the watch broke; both are begun again. */
  broke?: (problem: string, isList: boolean) => void
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000
// A watch that lasted so long was a good one: the next begins at once.
const GOOD_MS = 1000
// The API server sends a bookmark about once a minute: a connection that is silent for longer may be dead.
const SILENT_MS = 90_000

/**
 * Follows objects by LIST and watch: calls `see` with all of them at first and after every event, until it gives true
 * (and so does this) or `stop` aborts (false). A watch that the server ends goes on from its last version; one that
 * breaks, and a LIST that fails by trouble of the server, are begun again with growing pauses.
 * @throws what a LIST is refused with (no rights, no such kind), and what `see` throws
 */
export async function watchObjects(
  api: Kubernetes,
  watched: Watched,
  stop: AbortSignal,
  see: (objects: KubernetesObject[]) => boolean,
  { listed, broke }: WatchTrouble = {},
): Promise<boolean> {
  const objects = new Map<string, KubernetesObject>()
  const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS)
  const all = () => [...objects.values()]
  let version: string | undefined
  while (!stop.aborted) {
    const began = performance.now()
    let watching = false
    try {
      if (version === undefined) {
        const list = await listWatched(api, watched, stop)
        objects.clear()
        for (const item of list.items) objects.set(keyOf(item), item)
        version = list.resourceVersion
        listed?.()
        if (see(all())) return true
      }
      watching = true
      for await (const { type, object } of events(api, watched, version, stop)) {
        version = object.metadata?.resourceVersion ?? version
        if (type === 'BOOKMARK') continue
        if (type === 'DELETED') objects.delete(keyOf(object))
        else objects.set(keyOf(object), withoutManagers(object))
        if (see(all())) return true
      }
    } catch (problem) {
      if (stop.aborted) return false
      if (!(problem instanceof WatchBroke) && !isTransient(problem)) throw problem
      // What was seen may not be all: read anew.
      version = undefined
      if (!(problem instanceof WatchBroke && problem.expired)) broke?.((problem as Error).message, !watching)
    }
    if (performance.now() - began > GOOD_MS) backoff.reset()
    else await pass(backoff.next(), stop).catch(() => undefined)
  }
  return false
}

/** A LIST, even of one by name: it gives the resourceVersion from which a watch misses nothing. */
export const listWatched = (api: Kubernetes, { kind, namespace, name, labels }: Watched, signal?: AbortSignal) =>
  api.list(kind, {
    namespace,
    ...(labels ? { labels } : {}),
    ...(name ? { fields: `metadata.name=${name}` } : {}),
    ...(signal ? { signal } : {}),
  })

const isTransient = (problem: unknown): boolean => problem instanceof ClusterProblem && problem.transient

const keyOf = (object: KubernetesObject): string => `${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`

interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  object: KubernetesObject
}

/** A watch that cannot be gone on with from its last version. */
class WatchBroke extends Error {
  /** The version is too old (410), which is in the order of things. */
  readonly expired: boolean

  constructor(message: string, expired = false) {
    super(message)
    this.expired = expired
  }
}

/**
 * The events of one watch, until the server ends it, says nothing for too long, or `stop` aborts.
 * @throws WatchBroke where it delivers what is no event
 */
async function* events(
  api: Kubernetes,
  { kind, namespace, name, labels }: Watched,
  resourceVersion: string,
  stop: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const query = new URLSearchParams({
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion,
    ...(labels ? { labelSelector: labels } : {}),
    ...(name ? { fieldSelector: `metadata.name=${name}` } : {}),
  })
  const path = await api.path({ kind, name: '', namespace })
  const silent = new AbortController()
  const timer = setTimeout(() => silent.abort(), SILENT_MS)
  const onStop = () => silent.abort(stop.reason)
  stop.addEventListener('abort', onStop, { once: true })
  try {
    const body = await api.calls.stream(`${path}?${query}`, `watching ${kind}`, silent.signal)
    for await (const line of linesOf(body)) {
      timer.refresh()
      if (line) yield eventOf(line)
    }
  } catch (problem) {
    if (problem instanceof WatchBroke || isRefusal(problem)) throw broken(problem)
    if (!stop.aborted && !silent.signal.aborted) throw new WatchBroke(`the watch broke off: ${String(problem)}`)
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', onStop)
  }
}

const isRefusal = (problem: unknown): boolean => problem instanceof ApiRefusal || problem instanceof ClusterProblem

/** A version that is too old is refused with 410 before the watch begins, or by its first event. */
const broken = (problem: unknown): unknown =>
  statusOf(problem)?.code === 410 ? new WatchBroke('the version is too old', true) : problem

/** @throws WatchBroke where the line is no event of a watch */
function eventOf(line: string): WatchEvent {
  let event: { type?: string; object?: KubernetesObject & { code?: number; message?: string } }
  try {
    event = JSON.parse(line) as typeof event
  } catch {
    throw new WatchBroke(`the watch delivered a line that is no JSON: ${line.slice(0, 80)}`)
  }
  const { type, object } = event ?? {}
  if (type === 'ERROR') {
    throw new WatchBroke(`the watch ended with ${object?.code ?? 'an error'}: ${object?.message}`, object?.code === 410)
  }
  if (!type || !/^(ADDED|MODIFIED|DELETED|BOOKMARK)$/.test(type) || !object?.metadata)
    throw new WatchBroke(`the watch delivered a line that is no event: ${line.slice(0, 80)}`)
  return { type: type as WatchEvent['type'], object }
}
