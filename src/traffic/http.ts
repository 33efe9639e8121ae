import { buildConnector, Client } from 'undici'
import { deadline, type DeadlineName } from '../core/deadlines.ts'
import { currentScope } from '../core/scope.ts'
import { timeLimit } from '../core/time-limit.ts'
import { networkReason } from '../core/network-reason.ts'

/** One HTTP request to an address, with any Host and any SNI. */
export interface HttpRequest {
  address: string
  port: number
  host: string
  path?: string
  method?: 'GET' | 'POST' | 'HEAD'
  headers?: Record<string, string>
  body?: string
  scheme?: 'http' | 'https'
  /** What the TLS handshake asks for; the Host where not given. */
  sni?: string
  within?: DeadlineName
}

/** What came back. No answer at all is status 0 with the reason in `error`: it counts, and is never tried again. */
export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
  error?: string
  /** From before the connection until the last byte, in milliseconds. */
  ms: number
}

/** '200 in 12 ms' or 'no answer (ECONNREFUSED) after 3 ms', as it stands in a failure. */
export const describeAnswer = (answer: Answer): string =>
  answer.status === 0
    ? `no answer (${answer.error ?? 'unknown'}) after ${Math.round(answer.ms)} ms`
    : `${answer.status} in ${Math.round(answer.ms)} ms`

/**
 * Sends one request from this machine, on a connection of its own: a kept connection would hide a load balancer's choice and a
 * drained target. It follows no redirect and never throws for what the network does.
 */
export async function sendFromHere(request: HttpRequest): Promise<Answer> {
  const { address, port, host, scheme = 'http', sni, within = 'request' } = request
  const connect = buildConnector({
    allowH2: false,
    rejectUnauthorized: false,
    maxCachedSessions: 0,
    timeout: deadline(within),
  })
  const client = new Client(`${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`, {
    allowH2: false,
    pipelining: 0,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (options, callback) => connect({ ...options, servername: sni ?? host.split(':')[0] ?? host }, callback),
  })
  const started = performance.now()
  using limit = timeLimit(deadline(within), currentScope()?.signal)
  try {
    const answer = await client.request({
      path: request.path ?? '/',
      method: request.method ?? 'GET',
      headers: { host, ...request.headers },
      body: request.body ?? null,
      reset: true,
      signal: limit.signal,
    })
    const body = await answer.body.text()
    const headers = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]))
    return { status: answer.statusCode, headers, body, ms: performance.now() - started }
  } catch (problem) {
    const ms = performance.now() - started
    const error = limit.passed()
      ? `nothing within ${deadline(within) / 1000} s`
      : (networkReason(problem) ?? String(problem))
    return { status: 0, headers: {}, body: '', error, ms }
  } finally {
    await client.destroy().catch(() => undefined)
  }
}
