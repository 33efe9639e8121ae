/**
 * Lets `ms` milliseconds pass.
 * @throws the reason of `signal` when it aborts meanwhile
 */
export const pass = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })

/**
 * Pauses between tries, in milliseconds: from `first` on, doubled each time up to `most`, each a quarter more or less
 * at random.
 */
export class Backoff {
  readonly #first: number
  readonly #most: number
  #next: number

  constructor(first: number, most: number) {
    this.#first = first
    this.#most = most
    this.#next = first
  }

  /** The next pause. Many that were turned away together do not come back together. */
  next(): number {
    const pause = this.#next * (0.75 + Math.random() / 2)
    this.#next = Math.min(this.#next * 2, this.#most)
    return pause
  }

  /** Begins again with the first pause. */
  reset(): void {
    this.#next = this.#first
  }
}
