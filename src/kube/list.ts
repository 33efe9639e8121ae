import type { KubernetesObject } from '../core/object.ts'
import type { ApiCalls } from './calls.ts'
import { statusOf } from './errors.ts'
import { splitKind, type KindName } from './object-id.ts'

/** Objects of a page, as client-go's pager asks for them. */
const PAGE = 500

interface ListPage {
  items: KubernetesObject[] | null
  metadata: { resourceVersion: string; continue?: string }
}

export interface ListOptions {
  namespace?: string | undefined
  /** A label selector. */
  labels?: string
  /** A field selector. */
  fields?: string
  /** Ends it; the signal of the running check where not given. */
  signal?: AbortSignal
  /** Keeps managedFields, which tell who wrote each object. */
  managers?: boolean
}

/**
 * LISTs a collection page by page, so that the JSON of one page at a time is in memory. Where the API server has
 * forgotten the version that the pages are of (410), everything is read anew in one page, once, as client-go's pager
 * does.
 */
export async function listPages(
  calls: ApiCalls,
  path: string,
  kind: KindName,
  { labels, fields, signal, managers = false }: ListOptions = {},
): Promise<{ items: KubernetesObject[]; resourceVersion: string }> {
  let items: KubernetesObject[] = []
  let paged = true
  let next: string | undefined
  for (;;) {
    const query = new URLSearchParams({
      ...(labels ? { labelSelector: labels } : {}),
      ...(fields ? { fieldSelector: fields } : {}),
      ...(paged ? { limit: String(PAGE) } : {}),
      ...(next ? { continue: next } : {}),
    })
    let page: ListPage
    try {
      page = await calls.json<ListPage>({ method: 'GET', path: `${path}?${query}`, signal })
    } catch (problem) {
      if (statusOf(problem)?.code !== 410 || !next) throw problem
      items = []
      paged = false
      next = undefined
      continue
    }
    for (const item of page.items ?? []) {
      const object = withKind(item, kind)
      items.push(managers ? object : withoutManagers(object))
    }
    next = page.metadata.continue
    if (!next) return { items, resourceVersion: page.metadata.resourceVersion }
  }
}

/** The items of a list leave out what the list itself says; an object would not be complete without. */
const withKind = (item: KubernetesObject, kind: KindName): KubernetesObject => ({ ...splitKind(kind), ...item })

/** An object without who set which of its fields: no check reads that, and it is half of what a big cluster sends. */
export function withoutManagers(object: KubernetesObject): KubernetesObject {
  delete object.metadata?.managedFields
  return object
}
