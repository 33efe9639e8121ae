import http, { Agent, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'

const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']

/** Headers for the next hop: who sent it appended to X-Forwarded-For. */
export function forwardedHeaders(request: IncomingMessage): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ...request.headers }
  for (const name of HOP_BY_HOP) delete headers[name]
  const before = request.headers['x-forwarded-for']
  const from = request.socket.remoteAddress ?? ''
  headers['x-forwarded-for'] = before ? `${String(before)}, ${from}` : from
  return headers
}

/** Connections that are kept for the next hop, from one address. */
export class HopAgent extends Agent {
  readonly #address: string

  constructor(address: string) {
    super({ keepAlive: true, localAddress: address, maxFreeSockets: 64 })
    this.#address = address
  }

  /** The same without any that was kept. */
  another(): HopAgent {
    return new HopAgent(this.#address)
  }
}

/** Whether a request has no body, so that it can be sent a second time. */
const isBare = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] === undefined && headers['transfer-encoding'] === undefined

/**
 * Passes a request on and its answer back. Resolves with the status, 0 where the answer broke off; rejects where none
 * began. A kept connection that its other end closed meanwhile is no failure: the request goes out once more, on a new
 * one.
 */
export async function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  to: { host: string; port: number; agent: HopAgent; headers: OutgoingHttpHeaders },
): Promise<number> {
  try {
    return await passOnce(request, response, to)
  } catch (problem) {
    const stale = problem instanceof Error && (problem as { stale?: boolean }).stale
    if (!stale || !isBare(request) || response.destroyed) throw problem
    return passOnce(request, response, { ...to, agent: to.agent.another() })
  }
}

function passOnce(
  request: IncomingMessage,
  response: ServerResponse,
  to: { host: string; port: number; agent: HopAgent; headers: OutgoingHttpHeaders },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const upstream = http.request({ ...to, method: request.method, path: request.url }, (answer) => {
      if (response.headersSent || response.destroyed) {
        answer.destroy()
        return resolve(0)
      }
      const headers: OutgoingHttpHeaders = { ...answer.headers }
      for (const name of HOP_BY_HOP) delete headers[name]
      response.writeHead(answer.statusCode ?? 502, headers)
      answer.pipe(response)
      answer.on('end', () => resolve(answer.statusCode ?? 502))
      answer.on('error', () => {
        response.destroy()
        resolve(0)
      })
    })
    upstream.on('error', (problem) => {
      if (response.headersSent) {
        response.destroy()
        resolve(0)
      } else reject(Object.assign(problem, { stale: upstream.reusedSocket }))
    })
    response.on('close', () => {
      if (!response.writableFinished) upstream.destroy()
    })
    request.pipe(upstream)
  })
}
