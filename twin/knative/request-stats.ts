// A report that comes late is followed by one that comes soon: two requests in a few milliseconds are no rate.
const LEAST_MS = 500

/**
 * Counts requests as queue-proxy and the activator do: the average in flight, and how many came, since the last report.
 */
export class RequestStats {
  #concurrency = 0
  #proxied = 0
  #area = 0
  #proxiedArea = 0
  #requests = 0
  #proxiedRequests = 0
  #changedAt = performance.now()
  #reportedAt = performance.now()
  #last = { concurrency: 0, requestsPerSecond: 0 }

  get concurrency(): number {
    return this.#concurrency
  }

  /** A request comes in; `proxied` where it came through the activator, which has counted it already. */
  enter(proxied: boolean): void {
    this.#advance()
    this.#concurrency++
    this.#requests++
    if (proxied) {
      this.#proxied++
      this.#proxiedRequests++
    }
  }

  leave(proxied: boolean): void {
    this.#advance()
    this.#concurrency--
    if (proxied) this.#proxied--
  }

  /**
   * The counts since the last report, without requests that the activator counts; shortly after it the same ones again.
   */
  report(): { concurrency: number; requestsPerSecond: number } {
    this.#advance()
    const now = performance.now()
    const elapsed = now - this.#reportedAt
    if (elapsed < LEAST_MS) return { ...this.#last }
    this.#last = {
      concurrency: (this.#area - this.#proxiedArea) / elapsed,
      requestsPerSecond: ((this.#requests - this.#proxiedRequests) * 1000) / elapsed,
    }
    this.#reportedAt = now
    this.#area = this.#proxiedArea = this.#requests = this.#proxiedRequests = 0
    return { ...this.#last }
  }

  #advance(): void {
    const now = performance.now()
    this.#area += this.#concurrency * (now - this.#changedAt)
    this.#proxiedArea += this.#proxied * (now - this.#changedAt)
    this.#changedAt = now
  }
}
