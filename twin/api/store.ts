import type { KubeObject } from './object.ts'
import { gone } from './status-error.ts'

/** What happened to one object. `previous` is how it was before. */
export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  resource: string
  object: KubeObject
  previous: KubeObject | undefined
  version: number
}

// Changes kept for watches that begin in the past; older ones are 410, as etcd's compaction makes them.
const KEPT = 4000

/** The objects, their common resourceVersion, and the last changes. What is in it is never changed in place. */
export class Store {
  readonly #objects = new Map<string, Map<string, KubeObject>>()
  readonly #listeners = new Map<string, Set<(change: Change) => void>>()
  #history: Change[] = []
  #version = 100

  get version(): number {
    return this.#version
  }

  get(resource: string, name: string, namespace = ''): KubeObject | undefined {
    return this.#objects.get(resource)?.get(`${namespace}/${name}`)
  }

  list(resource: string, namespace?: string): KubeObject[] {
    const all = [...(this.#objects.get(resource)?.values() ?? [])]
    return namespace ? all.filter((object) => object.metadata.namespace === namespace) : all
  }

  /** Stores an object under the next resourceVersion and gives it as stored. */
  put(resource: string, object: KubeObject): KubeObject {
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`
    let objects = this.#objects.get(resource)
    if (!objects) this.#objects.set(resource, (objects = new Map()))
    const previous = objects.get(key)
    const version = ++this.#version
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
    objects.set(key, stored)
    this.#tell({ type: previous ? 'MODIFIED' : 'ADDED', resource, object: stored, previous, version })
    return stored
  }

  remove(resource: string, object: KubeObject): KubeObject {
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`
    const previous = this.#objects.get(resource)?.get(key)
    this.#objects.get(resource)?.delete(key)
    const version = ++this.#version
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
    if (previous) this.#tell({ type: 'DELETED', resource, object: last, previous, version })
    return last
  }

  /**
   * The changes of a resource after a version.
   * @throws StatusError 410 where they are no longer kept
   */
  since(resource: string, version: number): Change[] {
    const oldest = this.#history[0]?.version ?? this.#version + 1
    if (version + 1 < oldest && this.#history.length >= KEPT) throw gone(version, oldest)
    return this.#history.filter((change) => change.version > version && change.resource === resource)
  }

  /** Calls `hear` for every change of a resource from now on; gives what ends that. */
  listen(resource: string, hear: (change: Change) => void): () => void {
    let listeners = this.#listeners.get(resource)
    if (!listeners) this.#listeners.set(resource, (listeners = new Set()))
    listeners.add(hear)
    return () => listeners.delete(hear)
  }

  #tell(change: Change): void {
    this.#history.push(change)
    if (this.#history.length > KEPT * 1.25) this.#history = this.#history.slice(-KEPT)
    for (const hear of this.#listeners.get(change.resource) ?? []) hear(change)
  }
}
