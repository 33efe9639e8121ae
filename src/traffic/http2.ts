import http2, {
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { deadline } from '../core/deadlines.ts'
import { networkReason } from '../core/network-reason.ts'
import type { Answer } from './http.ts'

/** Where an HTTP/2 connection goes to; over https the protocol is agreed on by ALPN. */
export interface Http2Target {
  address: string
  port: number
  scheme: 'http' | 'https'
  /** What the TLS handshake asks for. */
  sni?: string
}

/** Requests over one HTTP/2 connection, one after the other, each to its own host. */
export interface Http2Exchange extends Http2Target {
  requests: { host: string; path?: string; headers?: Record<string, string> }[]
}

/** What came of them. `error` says why there was no connection; each answer has its own. */
export interface Http2Answers {
  answers: Answer[]
  /** The serial number of the certificate that the connection was opened with. */
  serial?: string
  error?: string
}

/** Opens a connection. It emits 'error' for what the network does. */
export function openHttp2({ address, port, scheme, sni }: Http2Target): ClientHttp2Session {
  const host = address.includes(':') ? `[${address}]` : address
  return http2.connect(`${scheme}://${host}:${port}`, {
    rejectUnauthorized: false,
    ...(sni ? { servername: sni } : {}),
  })
}

/** Sends requests over one connection from this machine. It never throws for what the network does. */
export const sendOverHttp2FromHere = (exchange: Http2Exchange): Promise<Http2Answers> =>
  sendOverHttp2(exchange, deadline('request'))

/** As sendOverHttp2FromHere, from where this code runs; `withinMs` bounds each answer and the connection. */
export async function sendOverHttp2(exchange: Http2Exchange, withinMs: number): Promise<Http2Answers> {
  const session = openHttp2(exchange)
  try {
    await connected(session, withinMs)
    const serial = (session.socket as Partial<TLSSocket>).getPeerX509Certificate?.()?.serialNumber
    const answers: Answer[] = []
    for (const { host, path = '/', headers } of exchange.requests)
      answers.push(await ask(session, { ':authority': host, ':path': path, ...headers }, withinMs))
    return { answers, ...(serial ? { serial } : {}) }
  } catch (problem) {
    return { answers: [], error: networkReason(problem) ?? String(problem) }
  } finally {
    session.destroy()
  }
}

function connected(session: ClientHttp2Session, withinMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no connection within ${withinMs / 1000} s`)), withinMs)
    session.once('remoteSettings', () => {
      clearTimeout(timer)
      resolve()
    })
    // One that is left unheard would end the process, later ones too.
    session.on('error', (problem) => {
      clearTimeout(timer)
      reject(problem as Error)
    })
  })
}

function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, withinMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const started = performance.now()
    const chunks: Buffer[] = []
    let head: IncomingHttpHeaders & IncomingHttpStatusHeader = {}
    const done = (error?: string) => {
      clearTimeout(timer)
      resolve({
        status: error ? 0 : (head[':status'] ?? 0),
        headers: textsOf(head),
        body: Buffer.concat(chunks).toString(),
        ...(error ? { error } : {}),
        ms: performance.now() - started,
      })
    }
    const timer = setTimeout(() => done(`no answer within ${withinMs / 1000} s`), withinMs)
    if (session.closed || session.destroyed) return done('the connection is closed')
    const stream = session.request(headers)
    stream.on('response', (answered) => (head = answered))
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', (problem) => done(networkReason(problem) ?? String(problem)))
    stream.on('end', () => done())
    stream.on('close', () => done(head[':status'] ? undefined : 'the stream was closed'))
    stream.end()
  })
}

/** The headers of an answer without its pseudo-headers. */
export const textsOf = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !name.startsWith(':'))
      .map(([name, value]) => [name, String(value)]),
  )
