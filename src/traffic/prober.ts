import { deadline } from '../core/deadlines.ts'
import { KeptConnections, sendRequest, type HttpRequest } from './http.ts'
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
 * Sends requests at a set rate and keeps every sample. Open loop: each goes out at its own time, whether earlier ones
 * were answered or not, and its latency counts from when it was due, so that a stack that stalls cannot hide it (no
 * coordinated omission).
 */
export class Prober extends SampleLog implements Probe {
  readonly #rate: number
  readonly #send: (due: number) => Promise<Omit<Sample, 'due' | 'ms'>>
  readonly #close: () => void
  readonly #pending = new Set<Promise<void>>()
  #sent = 0
  #timer: NodeJS.Timeout | undefined
  #over = false

  /** Starts at once. `send` gives what came of one request. */
  constructor(
    rate: number,
    send: (due: number) => Promise<Omit<Sample, 'due' | 'ms'>>,
    close: () => void = () => undefined,
  ) {
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
    this.#close()
    return this.samples.toSorted((a, b) => a.due - b.due)
  }

  #tick(): void {
    if (this.#over) return
    // One timer may come late; what was due meanwhile goes out together, each with its own due time.
    while ((this.#sent * 1000) / this.#rate <= this.now) this.#start((this.#sent++ * 1000) / this.#rate)
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, (this.#sent * 1000) / this.#rate - this.now))
  }

  #start(due: number): void {
    const sent = this.#send(due)
      .catch((problem: unknown) => ({ status: 0, error: String(problem) }))
      .then((outcome) => this.keep({ due, ms: this.now - due, ...outcome }))
    this.#pending.add(sent)
    void sent.finally(() => this.#pending.delete(sent))
  }
}

/** A prober that sends from this machine. `request.within` bounds each answer. */
export const probeFromHere = (request: HttpRequest, options: ProbeOptions): Prober =>
  startProber(request, options, deadline(request.within ?? 'request'))

/** A prober that sends from where this code runs. `withinMs` bounds each answer. */
export function startProber(request: HttpRequest, { rate, reuse = false }: ProbeOptions, withinMs: number): Prober {
  const kept = reuse ? new KeptConnections() : undefined
  const send = async (): Promise<Omit<Sample, 'due' | 'ms'>> => {
    const { status, headers, error, serial } = await sendRequest(request, { withinMs, kept })
    const version = headers['x-version']
    return {
      status,
      ...(error ? { error } : {}),
      ...(version ? { version } : {}),
      ...(serial ? { serial } : {}),
    }
  }
  return new Prober(rate, send, () => kept?.[Symbol.dispose]())
}
