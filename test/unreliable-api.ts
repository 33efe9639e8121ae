// An API server's front that fails now and then. By hand: node test/unreliable-api.ts --kubeconfig FILE --every 10 >
// shaky.yaml
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { parseArgs } from 'node:util'
import { stringify } from 'yaml'
import { loadKubeConfig } from '../src/kube/connection.ts'

/** How calls are failed: a status, a body that is cut in its middle, a line in a watch that is no JSON. */
export const FAULTS = ['503', '429', 'cut', 'garbage'] as const
export type Fault = (typeof FAULTS)[number]

export interface UnreliableApi {
  /** A kubeconfig that leads through it, as YAML. */
  kubeconfig: string
  /** How many calls came, and how many were failed. */
  readonly calls: { came: number; failed: number }
  close(): void
}

/**
 * Serves plain HTTP on loopback in front of the API server of a kubeconfig, with that kubeconfig's credentials, and
 * fails every `every`-th call, by each of `faults` in turn. A cut is for answers to GETs, garbage for watches; other
 * calls get 503 in their place.
 */
export async function unreliableApi(
  kubeconfigFile: string | undefined,
  { every, faults = ['503'], context }: { every: number; faults?: readonly Fault[]; context?: string },
): Promise<UnreliableApi> {
  const config = loadKubeConfig(kubeconfigFile, context)
  const upstream = new URL(config.getCurrentCluster()?.server ?? '')
  const calls = { came: 0, failed: 0 }

  /** The options of the same call to the API server, with its credentials. */
  const forwarded = async (request: http.IncomingMessage): Promise<https.RequestOptions> => {
    const options: https.RequestOptions = {
      host: upstream.hostname,
      port: upstream.port || (upstream.protocol === 'https:' ? 443 : 80),
      path: `${upstream.pathname.replace(/\/$/, '')}${request.url}`,
      method: request.method,
    }
    await config.applyToHTTPSOptions(options)
    return { ...options, headers: { ...request.headers, ...options.headers, host: upstream.host } }
  }
  const { request: send } = upstream.protocol === 'https:' ? https : http

  /** What is to go wrong with this call, if anything. */
  const faultOf = ({ method, url = '' }: http.IncomingMessage): Fault | undefined => {
    calls.came++
    if (calls.came % every !== 0) return undefined
    const fault = faults[calls.failed++ % faults.length] ?? '503'
    const isWatch = /[?&]watch=true/.test(url)
    if (fault === 'cut' && (method !== 'GET' || isWatch)) return '503'
    return fault === 'garbage' && !isWatch ? '503' : fault
  }

  const server = http.createServer((request, response) => {
    const fault = faultOf(request)
    if (fault === '503' || fault === '429') return refuse(response, fault)
    const pass = async () => {
      const call = send(await forwarded(request), (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        if (fault === 'garbage') response.write('<html>this is no event</html>\n')
        if (fault === 'cut') cutShort(answer, response)
        else answer.pipe(response)
        answer.on('error', () => response.destroy())
      })
      call.on('error', () => response.destroy())
      response.on('close', () => call.destroy())
      request.pipe(call)
    }
    pass().catch(() => response.destroy())
  })
  server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    if (faultOf(request)) return socket.end('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n')
    const pass = async () => {
      const call = send(await forwarded(request))
      call.on('upgrade', (answer: http.IncomingMessage, behind: Duplex, first: Buffer) => {
        const headers = answer.rawHeaders.flatMap((name, at, all) => (at % 2 ? [] : [`${name}: ${all[at + 1]}`]))
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join('\r\n')}\r\n\r\n`)
        socket.write(first)
        behind.write(head)
        behind.on('error', () => socket.destroy())
        socket.on('close', () => behind.destroy())
        behind.pipe(socket).pipe(behind)
      })
      call.on('response', (answer) => {
        socket.end(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\ncontent-length: 0\r\n\r\n`)
      })
      call.on('error', () => socket.destroy())
      call.end()
    }
    pass().catch(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { kubeconfig: kubeconfigTo(port), calls, close: () => close(server) }
}

function refuse(response: http.ServerResponse, fault: '503' | '429'): void {
  const code = Number(fault)
  const message =
    code === 429 ? 'Too many requests, please try again later.' : 'the server is currently unable to handle it'
  response.writeHead(code, { 'content-type': 'application/json', ...(code === 429 ? { 'retry-after': '1' } : {}) })
  response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message }))
}

/** Passes the first half of an answer on and breaks the connection. */
function cutShort(answer: http.IncomingMessage, response: http.ServerResponse): void {
  const chunks: Buffer[] = []
  answer.on('data', (chunk: Buffer) => chunks.push(chunk))
  answer.on('end', () => {
    const body = Buffer.concat(chunks)
    response.write(body.subarray(0, body.length / 2), () => response.destroy())
  })
}

function close(server: http.Server): void {
  server.closeAllConnections()
  server.close()
}

const kubeconfigTo = (port: number): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'unreliable', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } },
    ],
    users: [{ name: 'unreliable', user: {} }],
    contexts: [{ name: 'unreliable', context: { cluster: 'unreliable', user: 'unreliable' } }],
    'current-context': 'unreliable',
  })

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      kubeconfig: { type: 'string' },
      context: { type: 'string' },
      every: { type: 'string', default: '10' },
      faults: { type: 'string', default: '503' },
    },
  })
  const faults = values.faults.split(',') as Fault[]
  const unknown = faults.find((fault) => !FAULTS.includes(fault))
  if (unknown) throw new Error(`--faults: ${unknown} is none of ${FAULTS.join(', ')}`)
  const { context } = values
  const api = await unreliableApi(values.kubeconfig, {
    every: Number(values.every),
    faults,
    ...(context ? { context } : {}),
  })
  process.stdout.write(api.kubeconfig)
  process.on('SIGINT', () => {
    console.error(`${api.calls.failed} of ${api.calls.came} calls failed`)
    process.exit()
  })
}
