import type { KubeObject } from './object.ts'
import type { Objects } from './objects.ts'
import { StatusError } from './status-error.ts'

/** A reconciler with its queue: a key waits there once, however often it is asked for. */
export class Controller {
  readonly #reconcile: (name: string, namespace: string | undefined) => void | Promise<void>
  readonly #waiting = new Map<string, NodeJS.Timeout | NodeJS.Immediate>()
  readonly #running = new Set<string>()
  readonly #again = new Set<string>()
  readonly #name: string
  #stopped = false

  constructor(name: string, reconcile: (name: string, namespace: string | undefined) => void | Promise<void>) {
    this.#name = name
    this.#reconcile = reconcile
  }

  /** Reconciles an object soon, or after a time in milliseconds. */
  enqueue(name: string, namespace?: string, afterMs = 0): void {
    const key = `${namespace ?? ''}/${name}`
    if (this.#stopped || (this.#waiting.has(key) && afterMs === 0)) return
    if (afterMs > 0) {
      const timer = setTimeout(() => this.enqueue(name, namespace), afterMs)
      timer.unref()
      return
    }
    this.#waiting.set(
      key,
      setImmediate(() => void this.#run(key, name, namespace)),
    )
  }

  /** Reconciles every object of a resource when it changes, and those there are already. */
  watch(
    objects: Objects,
    resource: string,
    keyOf: (object: KubeObject) => { name: string; namespace?: string | undefined } | undefined = ({ metadata }) =>
      metadata,
  ): this {
    const hear = (object: KubeObject) => {
      const key = keyOf(object)
      if (key) this.enqueue(key.name, key.namespace)
    }
    objects.store.listen(resource, ({ object, previous }) => {
      hear(object)
      if (previous) hear(previous)
    })
    for (const object of objects.list(resource)) hear(object)
    return this
  }

  stop(): void {
    this.#stopped = true
  }

  async #run(key: string, name: string, namespace: string | undefined): Promise<void> {
    this.#waiting.delete(key)
    if (this.#stopped) return
    if (this.#running.has(key)) return void this.#again.add(key)
    this.#running.add(key)
    try {
      await this.#reconcile(name, namespace || undefined)
    } catch (problem) {
      // A conflict, or a namespace that is going: what a controller meets and comes back to.
      if (!(problem instanceof StatusError)) console.error(`${this.#name} ${key}:`, problem)
      if (!(problem instanceof StatusError) || problem.code === 409) this.enqueue(name, namespace, 50)
    } finally {
      this.#running.delete(key)
      if (this.#again.delete(key)) this.enqueue(name, namespace)
    }
  }
}

/** The owner of a kind, as the key of a reconciler of that owner. */
export const controlledBy =
  (kind: string) =>
  ({ metadata }: KubeObject): { name: string; namespace: string | undefined } | undefined => {
    const owner = metadata.ownerReferences?.find((each) => each.controller && each.kind === kind)
    return owner ? { name: owner.name, namespace: metadata.namespace } : undefined
  }
