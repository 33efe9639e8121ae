import type { ServerResponse } from 'node:http'
import type { KubeObject } from './object.ts'
import type { Resource } from './resource.ts'
import { filterOf } from './selectors.ts'
import { StatusError } from './status-error.ts'
import type { Change, Store } from './store.ts'

const BOOKMARK_EVERY_MS = 10_000

/**
 * Streams the changes of a resource: from a resourceVersion on, or with everything there is as ADDED first (none given,
 * or sendInitialEvents). An object that a selector no longer takes is DELETED for this watch.
 */
export function watch(
  store: Store,
  resource: Resource,
  namespace: string | undefined,
  query: URLSearchParams,
  response: ServerResponse,
  shown: (objects: KubeObject[]) => object,
): void {
  const matches = filterOf(query)
  const inScope = (object: KubeObject) => !namespace || object.metadata.namespace === namespace
  const write = (type: string, object: object) => void response.write(`${JSON.stringify({ type, object })}\n`)
  const from = query.get('resourceVersion') ?? ''
  const initial = query.get('sendInitialEvents') === 'true' || from === '' || from === '0'
  const tell = ({ type, object, previous }: Change) => {
    if (!inScope(object)) return
    const now = type !== 'DELETED' && matches(object)
    const before = type !== 'ADDED' && previous !== undefined && matches(previous)
    if (now) write(before ? 'MODIFIED' : 'ADDED', shown([object]))
    else if (before)
      write('DELETED', shown([{ ...(type === 'DELETED' ? object : previous), metadata: object.metadata }]))
  }
  response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
  response.flushHeaders()
  const bookmark = (more: object = {}) =>
    write('BOOKMARK', {
      kind: resource.kind,
      apiVersion: resource.group ? `${resource.group}/${resource.versions[0]}` : 'v1',
      metadata: { resourceVersion: String(store.version), creationTimestamp: null, ...more },
    })
  if (initial) {
    for (const object of store.list(resource.id, namespace)) if (matches(object)) write('ADDED', shown([object]))
    if (query.get('sendInitialEvents') === 'true') bookmark({ annotations: { 'k8s.io/initial-events-end': 'true' } })
  } else {
    try {
      for (const change of store.since(resource.id, Number(from))) tell(change)
    } catch (problem) {
      if (!(problem instanceof StatusError)) throw problem
      write('ERROR', problem.toStatus())
      response.end()
      return
    }
  }
  const stop = store.listen(resource.id, tell)
  const bookmarks = query.get('allowWatchBookmarks') === 'true' ? setInterval(bookmark, BOOKMARK_EVERY_MS) : undefined
  const seconds = Number(query.get('timeoutSeconds') ?? 0)
  const timeout = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined
  response.on('close', () => {
    stop()
    clearInterval(bookmarks)
    clearTimeout(timeout)
  })
}
