import { quantileSorted } from 'simple-statistics'
import { buildConnector, Pool } from 'undici'
import { deadline, type DeadlineName } from '../check/deadlines.ts'
import { StackFailure } from '../check/problem.ts'
import { currentScope } from '../check/scope.ts'
import type { Answer, HttpRequest } from './http.ts'
import { networkReason } from './kube-errors.ts'

/** How a prober asks: so many requests a second, each on a connection of its own or on kept ones. */
export interface ProbeOptions {
  rate: number
  /** Kept connections instead of a new one, with its TLS handshake, for every request. */
  reuse?: boolean
}

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
  /** The serial number of the certificate that was shown on this request's connection. */
  serial?: string
}

/** One second of a prober's series. */
export interface ProbedSecond {
  second: number
  sent: number
  failed: number
  p50: number
  p95: number
  max: number
}

/**
 * Sends requests at a set rate and keeps every sample. Open loop: each goes out at its own time, whether earlier ones were answered or
 * not, and its latency counts from when it was due, so that a stack that stalls cannot hide it (no coordinated omission).
 */
export class Prober {
  readonly samples: Sample[] = []
  readonly #rate: number
  readonly #send: (due: number) => Promise<Omit<Sample, 'due' | 'ms'>>
  readonly #close: () => Promise<void>
  readonly #began = performance.now()
  readonly #pending = new Set<Promise<void>>()
  readonly #hear = new Set<() => void>()
  #sent = 0
  #timer: NodeJS.Timeout | undefined
  #over = false

  /** Starts at once. `send` gives what came of one request and does not throw. */
  constructor(rate: number, send: (due: number) => Promise<Omit<Sample, 'due' | 'ms'>>, close = async () => {}) {
    this.#rate = rate
    this.#send = send
    this.#close = close
    this.#tick()
  }

  /** Milliseconds since it began, as samples have them. */
  get now(): number {
    return performance.now() - this.#began
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
          else if (missing(this.samples) === undefined) done(resolve)
        }
        const timer = setTimeout(
          () =>
            done(() =>
              reject(new StackFailure(`${what}: not met within ${ms / 1000} s. Last: ${missing(this.samples)}.`)),
            ),
          ms,
        )
        this.#hear.add(look)
        look()
      })
    await (scope ? scope.waiting(what, ms, wait) : wait())
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

  /** Ends it, and gives all samples in the order in which they were due, once the last one is in. */
  async end(): Promise<Sample[]> {
    this.#over = true
    clearTimeout(this.#timer)
    await Promise.all(this.#pending)
    await this.#close()
    return this.samples.sort((a, b) => a.due - b.due)
  }

  #tick(): void {
    if (this.#over) return
    // One timer may come late; what was due meanwhile goes out together, each with its own due time.
    while ((this.#sent * 1000) / this.#rate <= this.now) this.#start((this.#sent++ * 1000) / this.#rate)
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, (this.#sent * 1000) / this.#rate - this.now))
  }

  #start(due: number): void {
    const sent = this.#send(due).then((seen) => {
      this.samples.push({ due, ms: this.now - due, ...seen })
      for (const look of [...this.#hear]) look()
    })
    this.#pending.add(sent)
    void sent.finally(() => this.#pending.delete(sent))
  }
}

/** A prober that sends from this machine. `request.within` bounds each answer. */
export function probeFromHere(request: HttpRequest, { rate, reuse = false }: ProbeOptions): Prober {
  const { address, port, host, scheme = 'http', sni, within = 'request' } = request
  const base = buildConnector({
    allowH2: false,
    rejectUnauthorized: false,
    maxCachedSessions: 0,
    timeout: deadline(within),
  })
  let serial: string | undefined
  const pool = new Pool(`${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`, {
    allowH2: false,
    connections: null,
    pipelining: 1,
    headersTimeout: deadline(within),
    bodyTimeout: deadline(within),
    connect: (options, callback) =>
      base({ ...options, servername: sni ?? host.split(':')[0] ?? host }, (...result) => {
        const [, socket] = result
        if (socket && 'getPeerX509Certificate' in socket) serial = socket.getPeerX509Certificate()?.serialNumber
        ;(callback as (...result: unknown[]) => void)(...result)
      }),
  })
  const options = {
    path: request.path ?? '/',
    method: request.method ?? ('GET' as const),
    headers: { host, ...request.headers },
    reset: !reuse,
  }
  const send = async (): Promise<Omit<Sample, 'due' | 'ms'>> => {
    try {
      const { statusCode, headers, body } = await pool.request(options)
      await body.dump()
      const version = headers['x-version']
      return {
        status: statusCode,
        ...(version ? { version: String(version) } : {}),
        // Of a new connection a request: the newest handshake is the nearest to this request's own.
        ...(serial ? { serial } : {}),
      }
    } catch (problem) {
      return { status: 0, error: networkReason(problem) ?? String(problem) }
    }
  }
  return new Prober(rate, send, () => pool.destroy())
}

/** A prober whose requests another sends, the agent pod say. */
export const probeThrough = (rate: number, send: () => Promise<Answer>): Prober =>
  new Prober(rate, async () => {
    const { status, error, headers } = await send()
    return {
      status,
      ...(error ? { error } : {}),
      ...(headers['x-version'] ? { version: headers['x-version'] } : {}),
    }
  })

/** What is not 200 among samples, and how many of each. */
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

/** The series of a prober, a row a second in which requests were due. */
export function perSecond(samples: readonly Sample[]): ProbedSecond[] {
  const seconds = Map.groupBy(samples, ({ due }) => Math.floor(due / 1000))
  return [...seconds]
    .toSorted(([a], [b]) => a - b)
    .map(([second, each]) => ({
      second,
      sent: each.length,
      failed: each.filter(({ status }) => status !== 200).length,
      p50: latencyOf(each, 0.5),
      p95: latencyOf(each, 0.95),
      max: latencyOf(each, 1),
    }))
}
