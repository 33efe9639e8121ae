import { quantileSorted } from 'simple-statistics'
import { deadline, inSeconds, type DeadlineName } from '../core/deadlines.ts'
import { StackFailure } from '../core/problem.ts'
import { currentScope, waitingFor } from '../core/scope.ts'

/** What became of one request. */
export interface Sample {
  /** When it was due, in milliseconds since the prober began. */
  due: number
  /** From then until its last byte: a request that had to wait for its turn waited, whoever was late. */
  ms: number
  /** 0 where there was no answer; `error` says why. */
  status: number
  error?: string
  /** The answer's x-version: which version of the workload served it. */
  version?: string
  /** The answer's x-pod. */
  pod?: string
  /** Which part of a load script sent it. */
  part?: string
  /** The serial number of the certificate that was shown on this request's connection. */
  serial?: string
}

/** One second of a series. */
export interface SampledSecond {
  second: number
  sent: number
  failed: number
  p50: number
  p95: number
  max: number
}

/** Samples as they come: they can be waited for, and none is dropped. */
export class SampleLog {
  readonly samples: Sample[] = []
  /** performance.now() of its beginning; the times of its samples count from then. */
  readonly began: number
  readonly #hear = new Set<() => void>()
  #over: Error | undefined

  constructor(began = performance.now()) {
    this.began = began
  }

  /** Milliseconds since it began, as in its samples. */
  get now(): number {
    return performance.now() - this.began
  }

  /**
   * Waits until `missing` gives undefined for the samples that have come so far; it is asked as they come.
   * @throws StackFailure at the deadline, with what was last missing
   */
  async until(
    what: string,
    missing: (samples: readonly Sample[]) => string | undefined,
    within: DeadlineName,
  ): Promise<void> {
    const scope = currentScope()
    const ms = deadline(within)
    const wait = () =>
      new Promise<void>((resolve, reject) => {
        const done = (then: () => void) => {
          clearTimeout(timer)
          this.#hear.delete(look)
          then()
        }
        const look = () => {
          if (scope?.signal.aborted) done(() => reject(scope.signal.reason as Error))
          else if (this.#over) done(() => reject(this.#over!))
          else if (missing(this.samples) === undefined) done(resolve)
        }
        const timer = setTimeout(
          () =>
            done(() =>
              reject(
                new StackFailure(
                  `timed out after ${inSeconds(ms)} while waiting for ${what}: ${missing(this.samples)}`,
                ),
              ),
            ),
          ms,
        )
        this.#hear.add(look)
        look()
      })
    await waitingFor(what, ms, wait)
  }

  /** Waits until so many answers in a row, all of them due from now on, satisfy `holds`. */
  untilInARow(
    what: string,
    count: number,
    holds: (sample: Sample) => boolean,
    within: DeadlineName = 'configPush',
  ): Promise<void> {
    const from = this.now
    return this.until(
      what,
      (samples) => {
        const fresh = samples.filter(({ due }) => due >= from)
        const row = fresh.length - 1 - fresh.findLastIndex((sample) => !holds(sample))
        return row >= count ? undefined : `${row} of ${count} answers in a row`
      },
      within,
    )
  }

  /** Keeps a sample, and looks whether one waits for it. */
  protected keep(sample: Sample): void {
    this.samples.push(sample)
    for (const look of [...this.#hear]) look()
  }

  /** No more samples will come: waits for one fail with `problem`. */
  protected fail(problem: Error): void {
    this.#over = problem
    for (const look of [...this.#hear]) look()
  }
}

/** How many samples failed, by status or error. Every status but 200 is a failure. */
export function failuresOf(samples: readonly Sample[]): Record<string, number> {
  const failures: Record<string, number> = {}
  for (const { status, error } of samples) {
    if (status === 200) continue
    const key = status ? String(status) : (error ?? 'no answer')
    failures[key] = (failures[key] ?? 0) + 1
  }
  return failures
}

/** A quantile (0 to 1) of the latencies of samples, in milliseconds; every sample counts, failed ones too. */
export function latencyOf(samples: readonly Sample[], share: number): number {
  const sorted = samples.map(({ ms }) => ms).toSorted((a, b) => a - b)
  return sorted.length ? quantileSorted(sorted, share) : NaN
}

/** A series with a row for each second in which requests were due. */
export function perSecond(samples: readonly Sample[]): SampledSecond[] {
  const seconds = Map.groupBy(samples, ({ due }) => Math.floor(due / 1000))
  return [...seconds]
    .toSorted(([a], [b]) => a - b)
    .map(([second, sent]) => ({
      second,
      sent: sent.length,
      failed: sent.filter(({ status }) => status !== 200).length,
      p50: latencyOf(sent, 0.5),
      p95: latencyOf(sent, 0.95),
      max: latencyOf(sent, 1),
    }))
}
