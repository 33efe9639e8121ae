import { randomUUID } from 'node:crypto'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { format } from './access-log.ts'
import type { Logged } from './logged.ts'
import type { Headers, RouteQuery } from './routes.ts'

const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings']

/** One request and its answer, as the proxy sees them. */
export class Exchange {
  readonly query: RouteQuery
  readonly logged: Logged
  readonly responseHeaders: (NonNullable<Headers['response']> | undefined)[] = []
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #from: string
  readonly #requestId: string
  readonly #body: Promise<Buffer>

  constructor(request: IncomingMessage, response: ServerResponse, local: string) {
    this.#request = request
    this.#response = response
    const authority = String(request.headers[':authority'] ?? request.headers.host ?? '')
    this.query = { authority, path: request.url ?? '/', method: request.method ?? 'GET', headers: request.headers }
    this.#from = request.socket.remoteAddress ?? ''
    this.#requestId = String(request.headers['x-request-id'] ?? randomUUID())
    this.logged = {
      start: new Date(),
      method: this.query.method,
      path: this.query.path,
      protocol: `HTTP/${request.httpVersionMajor === 2 ? '2' : request.httpVersion}`,
      code: 0,
      flags: '',
      details: 'via_upstream',
      bytesReceived: 0,
      bytesSent: 0,
      durationMs: 0,
      upstreamMs: undefined,
      headers: {
        ...(request.headers as Record<string, string>),
        'x-forwarded-for': this.#forwardedFor(),
        'x-request-id': this.#requestId,
      },
      authority,
      upstreamHost: '',
      upstreamCluster: '',
      upstreamLocal: '',
      downstreamLocal: local,
      downstreamRemote: `${this.#from}:${request.socket.remotePort ?? 0}`,
      serverName: (request.socket as { servername?: string }).servername ?? '',
      routeName: '',
    }
    this.#body = readAll(request)
  }

  get isOver(): boolean {
    return this.#response.writableEnded || this.#response.destroyed
  }

  body(): Promise<Buffer> {
    return this.#body
  }

  onAbort(abort: () => void): void {
    this.#response.once('close', abort)
  }

  abort(): void {
    this.logged.flags ||= 'UC'
    this.#response.destroy()
  }

  /** What is logged, once it is over. */
  finish(): Logged {
    this.logged.durationMs = Math.round(Date.now() - this.logged.start.getTime())
    if (!this.#response.writableFinished && !this.logged.code)
      Object.assign(this.logged, { flags: 'DC', details: 'downstream_remote_disconnect' })
    return this.logged
  }

  /** Answers of the proxy's own accord. */
  fail(code: number, body: string, flags: string, details: string, headers: OutgoingHttpHeaders = {}): void {
    if (this.isOver || this.#response.headersSent) return
    Object.assign(this.logged, { code, flags, details, bytesSent: Buffer.byteLength(body) })
    this.#response.writeHead(code, {
      ...(body ? { 'content-type': 'text/plain' } : {}),
      'content-length': Buffer.byteLength(body),
      server: 'istio-envoy',
      ...headers,
      ...this.#changedHeaders({}),
    })
    this.#response.end(body)
  }

  redirect(code: number, location: string): void {
    this.fail(code, '', '', 'direct_response', { location })
  }

  /** Passes an upstream's answer on. */
  pass(answer: IncomingMessage): void {
    this.logged.code = answer.statusCode ?? 0
    const headers: OutgoingHttpHeaders = { ...answer.headers }
    for (const name of HOP_BY_HOP) delete headers[name]
    this.#response.writeHead(this.logged.code, {
      ...headers,
      'x-envoy-upstream-service-time': String(this.logged.upstreamMs),
      server: 'istio-envoy',
      ...this.#changedHeaders(headers),
    })
    answer.on('data', (chunk: Buffer) => void (this.logged.bytesSent += chunk.length))
    answer.pipe(this.#response)
  }

  upstreamHeaders(changes: readonly (Headers | undefined)[], authority: string | undefined): OutgoingHttpHeaders {
    const headers: OutgoingHttpHeaders = {}
    for (const [name, value] of Object.entries(this.#request.headers))
      if (!name.startsWith(':') && !HOP_BY_HOP.includes(name)) headers[name] = value
    Object.assign(headers, {
      host: authority ?? this.query.authority,
      'x-forwarded-for': this.#forwardedFor(),
      'x-forwarded-proto': 'encrypted' in this.#request.socket ? 'https' : 'http',
      'x-request-id': this.#requestId,
      'x-envoy-external-address': this.#from,
    })
    for (const change of changes) {
      for (const name of change?.request?.remove ?? []) delete headers[name.toLowerCase()]
      for (const [name, value] of Object.entries({ ...change?.request?.add, ...change?.request?.set }))
        headers[name.toLowerCase()] = format(value, this.logged)
    }
    return headers
  }

  #changedHeaders(had: OutgoingHttpHeaders): OutgoingHttpHeaders {
    const changed: OutgoingHttpHeaders = {}
    for (const change of this.responseHeaders) {
      for (const name of change?.remove ?? []) delete had[name.toLowerCase()]
      for (const [name, value] of Object.entries({ ...change?.add, ...change?.set }))
        changed[name.toLowerCase()] = format(value, this.logged)
    }
    return changed
  }

  #forwardedFor(): string {
    const before = this.#request.headers['x-forwarded-for']
    return before ? `${String(before)},${this.#from}` : this.#from
  }
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  } catch {
    // The client is gone: there is nobody to answer.
  }
  return Buffer.concat(chunks)
}
