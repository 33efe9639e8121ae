/** What was seen second by second, and its average over the last so many seconds (pkg/autoscaler/aggregation). */
export class MetricWindow {
  readonly #buckets = new Map<number, number>()
  readonly #longest: number
  #first: number | undefined
  #last = -Infinity

  constructor(longestSeconds: number) {
    this.#longest = longestSeconds
  }

  /** Adds a value to the second `at`. */
  record(at: number, value: number): void {
    const second = Math.floor(at)
    this.#first ??= second
    this.#last = Math.max(this.#last, second)
    this.#buckets.set(second, (this.#buckets.get(second) ?? 0) + value)
    for (const old of this.#buckets.keys()) if (old < second - this.#longest) this.#buckets.delete(old)
  }

  /**
   * The average of the last `seconds` seconds, of fewer where it is younger. Seconds since the last figure came count
   * for nothing, so that a decision between two figures does not take the second under way for an idle one
   * (bucketing.go, WindowAverage).
   */
  average(now: number, seconds: number): number {
    const second = Math.floor(now)
    const late = Math.max(0, second - this.#last)
    if (this.#first === undefined || late >= seconds) return 0
    let sum = 0
    for (const [at, value] of this.#buckets) if (at > second - seconds && at <= second) sum += value
    return sum / Math.min(seconds - late, this.#last - this.#first + 1)
  }
}
