import { request, type Dispatcher } from 'undici'
import { deadline } from '../core/deadlines.ts'
import { networkReason } from '../core/network-reason.ts'
import { Backoff, pass } from '../core/pause.ts'
import { ClusterProblem } from '../core/problem.ts'
import { currentScope } from '../core/scope.ts'
import { timeLimit } from '../core/time-limit.ts'
import { trace } from '../core/trace.ts'
import type { SharedKubeConfig } from './connection.ts'
import { holdToEffect } from './effects.ts'
import { ApiRefusal, parseStatus, plainProblem } from './errors.ts'
import { isIdempotent, isServerTrouble, retryAfterMs, wasTurnedAway } from './server-trouble.ts'

/** How often a call is sent at most. */
const TRIES = 4
const FIRST_PAUSE_MS = 200

/** One call of the API. */
export interface ApiCall {
  method: Dispatcher.HttpMethod
  /** With its query. */
  path: string
  body?: string
  contentType?: string
  /** Headers besides those of the credentials: the pod proxy passes them on. */
  headers?: Record<string, string>
  /** Milliseconds for all tries together; the deadline apiCall where not given. */
  within?: number | undefined
  /** What it does, for messages: 'reading the log of a/b'. The method and path where not given. */
  doing?: string
  /** Ends it; the signal of the running check where not given. */
  signal?: AbortSignal | undefined
}

export interface ApiAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** Why a call may be sent again, after `after` milliseconds where the server says so. */
class Trouble extends Error {
  readonly after: number | undefined

  constructor(message: string, cause: unknown, after?: number) {
    super(message, { cause })
    this.after = after
  }
}

/**
 * HTTP with the API server. What is the server's own trouble (see server-trouble.ts), a connection that breaks off, and
 * an answer cut short are tried again three times with growing pauses. undici's retry interceptor does not fit: it
 * decides before the body is read, and the body tells an overloaded server from a disruption budget.
 */
export class ApiCalls {
  readonly #config: SharedKubeConfig
  readonly server: string

  constructor(config: SharedKubeConfig) {
    this.#config = config
    this.server = config.getCurrentCluster()?.server ?? ''
  }

  /** Makes a call that is answered with JSON. An answer that is none counts as cut short. @throws as `call` */
  json<T>(call: ApiCall): Promise<T> {
    return this.#tried(call, ({ body }) => JSON.parse(body) as T)
  }

  /**
   * Makes a call and reads its answer.
   * @throws ApiRefusal for an answer of 400 and above, in the server's words; ClusterProblem where the server could not
   * be asked
   */
  call(call: ApiCall): Promise<ApiAnswer> {
    return this.#tried(call, (answer) => answer)
  }

  /**
   * Opens an answer that goes on: a log, a watch. The deadline apiCall is for its beginning; it lasts until `stop`
   * aborts.
   * @throws as call, after one try: whoever follows begins again by himself
   */
  stream(path: string, doing: string, stop: AbortSignal): Promise<Dispatcher.ResponseData['body']> {
    return traced({ method: 'GET', path }, (course) => this.#open(path, doing, stop, course))
  }

  async #open(
    path: string,
    doing: string,
    stop: AbortSignal,
    course: Course,
  ): Promise<Dispatcher.ResponseData['body']> {
    course.tries = 1
    using limit = timeLimit(deadline('apiCall'), stop)
    const over = new AbortController()
    const onLimit = () => over.abort(limit.signal.reason)
    limit.signal.addEventListener('abort', onLimit, { once: true })
    try {
      const answer = await request(this.#url(path), {
        headers: await this.#config.headers(),
        signal: over.signal,
        // A log may be silent for as long as it likes.
        bodyTimeout: 0,
        ...(await this.#dispatcher()),
      })
      course.status = answer.statusCode
      if (answer.statusCode >= 400) {
        const status = parseStatus(answer.statusCode, await answer.body.text())
        const refusal = new ApiRefusal(doing, status)
        throw isServerTrouble({ method: 'GET', path }, status) ? this.#problem(refusal, doing, 1) : refusal
      }
      // From here on only `stop` ends it.
      stop.addEventListener('abort', () => over.abort(stop.reason), { once: true })
      return answer.body
    } catch (problem) {
      throw plainProblem(problem, doing, this.server)
    } finally {
      limit.signal.removeEventListener('abort', onLimit)
    }
  }

  #tried<T>(call: ApiCall, read: (answer: ApiAnswer) => T): Promise<T> {
    return traced(call, (course) => this.#untilAnswered(call, read, course))
  }

  async #untilAnswered<T>(call: ApiCall, read: (answer: ApiAnswer) => T, course: Course): Promise<T> {
    const doing = call.doing ?? `${call.method} ${call.path.split('?')[0]}`
    holdToEffect(call.method, call.path, doing)
    const within = call.within ?? deadline('apiCall')
    const ends = performance.now() + within
    using limit = timeLimit(within, call.signal ?? currentScope()?.signal)
    const backoff = new Backoff(FIRST_PAUSE_MS, within)
    for (;;) {
      course.tries++
      try {
        return await this.#once({ ...call, doing, signal: limit.signal }, read, course)
      } catch (problem) {
        if (!(problem instanceof Trouble)) throw plainProblem(problem, doing, this.server)
        const pause = problem.after ?? backoff.next()
        const late = performance.now() + pause > ends
        if (course.tries === TRIES || late) throw this.#problem(problem.cause, doing, course.tries)
        await pass(pause, limit.signal).catch((cut: unknown) => {
          throw plainProblem(cut, doing, this.server)
        })
      }
    }
  }

  /** @throws Trouble where the call may be sent again */
  async #once<T>(
    call: ApiCall & { doing: string; signal: AbortSignal },
    read: (answer: ApiAnswer) => T,
    course: Course,
  ): Promise<T> {
    const { doing, signal } = call
    let answer: ApiAnswer
    try {
      const { statusCode, headers, body } = await request(this.#url(call.path), {
        method: call.method,
        headers: {
          ...(await this.#config.headers()),
          accept: 'application/json, */*;q=0.8',
          ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
          ...call.headers,
        },
        body: call.body ?? null,
        signal,
        ...(await this.#dispatcher()),
      })
      course.status = statusCode
      answer = { status: statusCode, headers, body: await body.text() }
    } catch (problem) {
      if (isCut(problem) && isIdempotent(call)) throw new Trouble('cut', problem)
      throw problem
    }
    if (answer.status >= 400) {
      const status = parseStatus(answer.status, answer.body)
      const refusal = new ApiRefusal(doing, status)
      if (!isServerTrouble(call, status)) throw refusal
      const after = retryAfterMs(String(answer.headers['retry-after'] ?? ''))
      if (isIdempotent(call) || wasTurnedAway(status)) throw new Trouble('refused', refusal, after)
      throw this.#problem(refusal, doing, 1)
    }
    try {
      return read(answer)
    } catch (problem) {
      if (problem instanceof SyntaxError && !call.path.includes('/proxy/')) throw new Trouble('no JSON', problem)
      throw problem
    }
  }

  /** A sentence for what kept the server from answering, `tries` times. */
  #problem(problem: unknown, doing: string, tries: number): Error {
    const often = tries > 1 ? ` (tried ${tries} times)` : ''
    if (problem instanceof ApiRefusal) {
      const { code, message } = problem.status
      const said = message ?? 'without a message'
      return new ClusterProblem(`${doing}: the API server answered ${code}: ${said}${often}`, {
        cause: problem,
        transient: true,
      })
    }
    if (problem instanceof SyntaxError) {
      return new ClusterProblem(`${doing}: the API server's answer is not complete JSON${often}`, {
        cause: problem,
        transient: true,
      })
    }
    const reason = networkReason(problem) ?? String(problem)
    return new ClusterProblem(`${doing}: the connection to ${this.server} broke off (${reason})${often}`, {
      cause: problem,
      transient: true,
    })
  }

  #url(path: string): string {
    return this.server.replace(/\/$/, '') + path
  }

  async #dispatcher(): Promise<{ dispatcher?: Dispatcher }> {
    const dispatcher = await this.#config.dispatcher()
    return dispatcher ? { dispatcher } : {}
  }
}

/** How far a call has come, for its trace. */
interface Course {
  tries: number
  status?: number
}

/** Makes a call and traces what came of it. */
async function traced<T>({ method, path }: ApiCall, make: (course: Course) => Promise<T>): Promise<T> {
  const started = performance.now()
  const course: Course & { error?: string } = { tries: 0 }
  try {
    return await make(course)
  } catch (problem) {
    course.error = problem instanceof Error ? problem.message : String(problem)
    throw problem
  } finally {
    const ms = performance.now() - started
    trace(currentScope()?.id, { type: 'call', api: 'kubernetes', verb: method, path, ...course, ms })
  }
}

/** Whether a connection was there and broke; one that was refused is not. */
const isCut = (problem: unknown): boolean =>
  /^(ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_RES_CONTENT_LENGTH_MISMATCH)$/.test(networkReason(problem) ?? '')
