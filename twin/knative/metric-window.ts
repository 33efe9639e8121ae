/** What was seen second by second, and its average over the last so many seconds (pkg/autoscaler/aggregation). */
export class MetricWindow {
  readonly #buckets = new Map<number, number>()
  readonly #longest: number
  #first: number | undefined

  constructor(longestSeconds: number) {
    this.#longest = longestSeconds
  }

  /** Adds a value to the second `at`. */
  record(at: number, value: number): void {
    const second = Math.floor(at)
    this.#first ??= second
    this.#buckets.set(second, (this.#buckets.get(second) ?? 0) + value)
    for (const old of this.#buckets.keys()) if (old < second - this.#longest) this.#buckets.delete(old)
  }

  /** The average of the last `seconds` seconds, of fewer where it is younger. */
  average(now: number, seconds: number): number {
    if (this.#first === undefined) return 0
    const last = Math.floor(now)
    let sum = 0
    for (const [second, value] of this.#buckets) if (second > last - seconds && second <= last) sum += value
    return sum / Math.max(1, Math.min(seconds, last - this.#first + 1))
  }
}
