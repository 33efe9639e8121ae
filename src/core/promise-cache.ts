/** Promises by key. One that fails is forgotten, so that the next who asks has it made anew. */
export class PromiseCache<T> {
  readonly #promises = new Map<string, Promise<T>>()

  /** The promise of `key`, made by `make` where there is none. */
  get(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#promises.get(key)
    if (known) return known
    const promise = make()
    this.#promises.set(key, promise)
    promise.catch(() => this.#forget(key, promise))
    return promise
  }

  /** As `get`, but it is kept only while it is being made: for what changes by itself. */
  inFlight(key: string, make: () => Promise<T>): Promise<T> {
    const promise = this.get(key, make)
    promise.then(
      () => this.#forget(key, promise),
      () => undefined,
    )
    return promise
  }

  clear(): void {
    this.#promises.clear()
  }

  #forget(key: string, promise: Promise<T>): void {
    if (this.#promises.get(key) === promise) this.#promises.delete(key)
  }
}
