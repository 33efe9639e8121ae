import { buildConnector, Pool } from 'undici'
import { deadline } from '../core/deadlines.ts'
import type { HttpRequest } from './http.ts'
import { networkReason } from '../core/network-reason.ts'
import { SampleLog, type Sample } from './samples.ts'

/** A probe under way: its samples as they come, and its end. */
export interface Probe extends SampleLog {
  /** Ends it, and gives all samples in the order in which they were due, once the last one is in. */
  end: () => Promise<Sample[]>
}

/** How a prober asks: so many requests a second, each on a connection of its own or on kept ones. */
export interface ProbeOptions {
  rate: number
  /** Kept connections instead of a new one, with its TLS handshake, for every request. */
  reuse?: boolean
}

/**
 * Sends requests at a set rate and keeps every sample. Open loop: each goes out at its own time, whether earlier ones were answered or
 * not, and its latency counts from when it was due, so that a stack that stalls cannot hide it (no coordinated omission).
 */
export class Prober extends SampleLog implements Probe {
  readonly #rate: number
  readonly #send: (due: number) => Promise<Omit<Sample, 'due' | 'ms'>>
  readonly #close: () => Promise<void>
  readonly #pending = new Set<Promise<void>>()
  #sent = 0
  #timer: NodeJS.Timeout | undefined
  #over = false

  /** Starts at once. `send` gives what came of one request and does not throw. */
  constructor(rate: number, send: (due: number) => Promise<Omit<Sample, 'due' | 'ms'>>, close = async () => {}) {
    super()
    this.#rate = rate
    this.#send = send
    this.#close = close
    this.#tick()
  }

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
      this.keep({ due, ms: this.now - due, ...seen })
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
