import http from 'node:http'
import https from 'node:https'
import tls, { type SecureContext, type TLSSocket } from 'node:tls'
import { deadline, type DeadlineName } from '../core/deadlines.ts'
import { currentScope } from '../core/scope.ts'
import { timeLimit } from '../core/time-limit.ts'
import { networkReason } from '../core/network-reason.ts'
import { trace } from '../core/trace.ts'

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
  /** The serial number of the certificate that the server showed on this request's connection. */
  serial?: string
}

/** How one request is sent. */
export interface Sending {
  /** Milliseconds until the last byte must have come. */
  withinMs: number
  /** Ends the request early. */
  signal?: AbortSignal | undefined
  /** Connections to use again; without them the request has a connection of its own. */
  kept?: KeptConnections | undefined
}

/** '200 in 12 ms' or 'no answer (ECONNREFUSED) after 3 ms', as it stands in a failure. */
export const describeAnswer = (answer: Answer): string =>
  answer.status === 0
    ? `no answer (${answer.error ?? 'unknown'}) after ${Math.round(answer.ms)} ms`
    : `${answer.status} in ${Math.round(answer.ms)} ms`

/** Connections that stay open between the requests of one probe. */
export class KeptConnections implements Disposable {
  readonly #http = new http.Agent({ keepAlive: true, maxSockets: Infinity })
  readonly #https = new https.Agent({ keepAlive: true, maxSockets: Infinity, maxCachedSessions: 0 })

  of(scheme: 'http' | 'https'): http.Agent {
    return scheme === 'https' ? this.#https : this.#http
  }

  [Symbol.dispose](): void {
    this.#http.destroy()
    this.#https.destroy()
  }
}

/**
 * Sends one request from this machine, on a connection of its own: a kept connection would hide a load balancer's
 * choice and a drained target. It follows no redirect and never throws for what the network does.
 */
export const sendFromHere = (request: HttpRequest): Promise<Answer> =>
  sendRequest(request, { withinMs: deadline(request.within ?? 'request'), signal: currentScope()?.signal })

/**
 * Sends one request from where this code runs: the harness, and the agent pod (agent-program.ts). It follows no
 * redirect.
 * @throws TypeError for a request that HTTP cannot carry (a space in its path), and for nothing that the network does
 */
export async function sendRequest(request: HttpRequest, sending: Sending): Promise<Answer> {
  const answer = await sendOnce(request, sending)
  const { status, error, ms } = answer
  trace(currentScope()?.id, { type: 'request', host: request.host, path: request.path ?? '/', status, error, ms })
  return answer
}

async function sendOnce(request: HttpRequest, { withinMs, signal, kept }: Sending): Promise<Answer> {
  const started = performance.now()
  using limit = timeLimit(withinMs, signal)
  try {
    const answer = await exchange(request, limit.signal, kept)
    return { ...answer, ms: performance.now() - started }
  } catch (problem) {
    if (problem instanceof TypeError) throw problem
    const error = limit.passed() ? `no answer within ${withinMs / 1000} s` : (networkReason(problem) ?? String(problem))
    return { status: 0, headers: {}, body: '', error, ms: performance.now() - started }
  }
}

// Made once: for each connection anew it would cost as much as the handshake. Sessions are not kept in it.
let secureContext: SecureContext | undefined

function exchange(
  { address, port, host, path = '/', method = 'GET', headers, body, scheme = 'http', sni }: HttpRequest,
  signal: AbortSignal,
  kept: KeptConnections | undefined,
): Promise<Omit<Answer, 'ms'>> {
  return new Promise((resolve, reject) => {
    const options = {
      host: address,
      port,
      path,
      method,
      headers: { host, ...(kept ? {} : { connection: 'close' }), ...headers },
      agent: kept?.of(scheme) ?? false,
      servername: sni ?? host.split(':')[0] ?? host,
      rejectUnauthorized: false,
      ...(scheme === 'https' ? { secureContext: (secureContext ??= tls.createSecureContext()) } : {}),
      signal,
    }
    const sent = (scheme === 'https' ? https : http).request(options, (response) => {
      // A connection that goes through a sidecar's stream has no certificate to show.
      const serial = (response.socket as Partial<TLSSocket>).getPeerX509Certificate?.()?.serialNumber
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
          body: Buffer.concat(chunks).toString(),
          ...(serial ? { serial } : {}),
        }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
