import { createServer, type AddressInfo, type Socket } from 'node:net'
import { PortForward } from '@kubernetes/client-node'
import { request } from 'undici'
import { deadline, type DeadlineName } from '../core/deadlines.ts'
import { Backoff, pass } from '../core/pause.ts'
import { ClusterProblem, NotLookedAt, StackFailure } from '../core/problem.ts'
import { currentScope, requireEffect } from '../core/scope.ts'
import { timeLimit } from '../core/time-limit.ts'
import { trace } from '../core/trace.ts'
import { plainProblem } from './errors.ts'
import type { Kubernetes } from './kubernetes.ts'

/** A port of a pod, its loopback ports (Envoy's admin, istiod's debug) among them, reached through the API server. */
export interface PodPort {
  namespace: string
  name: string
  port: number
}

/** What is asked of a port of a pod; a GET where not given. */
export interface PodRequest {
  path: string
  method?: 'GET' | 'POST' | 'PUT'
  body?: string
  /** Whether a POST changes nothing: Envoy's admin tells its log levels by no other method. */
  isRead?: boolean
  /** How long its answer may take, all tries together; the deadline apiCall where not given. */
  within?: DeadlineName
}

// As often as any call of the API; see calls.ts.
const TRIES = 4
const FIRST_PAUSE_MS = 200

/**
 * One request to a port of a pod by port forwarding, and its answer's body.
 * @throws StackFailure where the pod answers anything but 2xx, or its port does not answer; ClusterProblem where the
 * API server does not forward, tried again as any call; NotLookedAt where we may not forward
 */
export async function askPod(api: Kubernetes, pod: PodPort, asked: PodRequest): Promise<string> {
  const { path, method = 'GET', within = 'apiCall' } = asked
  if (method !== 'GET' && !asked.isRead)
    requireEffect('tunes', `sent ${method} ${path} to pod ${pod.namespace}/${pod.name}`)
  using limit = timeLimit(deadline(within), currentScope()?.signal)
  const backoff = new Backoff(FIRST_PAUSE_MS, deadline(within))
  for (let tries = 1; ; tries++) {
    try {
      return await askOnce(api, pod, asked, limit.signal)
    } catch (problem) {
      if (!(problem instanceof NotForwarded)) throw problem
      if (tries === TRIES)
        throw new ClusterProblem(`${problem.message} (tried ${tries} times)`, { cause: problem, transient: true })
      await pass(backoff.next(), limit.signal)
    }
  }
}

/** The API server did not take a connection; nothing has reached the pod. */
class NotForwarded extends Error {}

async function askOnce(api: Kubernetes, pod: PodPort, asked: PodRequest, signal: AbortSignal): Promise<string> {
  const { path } = asked
  const forward = await openForward(api, pod)
  const started = performance.now()
  try {
    const answer = await request(`http://127.0.0.1:${forward.port}${path}`, {
      method: asked.method ?? 'GET',
      body: asked.body ?? null,
      ...(asked.body ? { headers: { 'content-type': 'application/json' } } : {}),
      reset: true,
      signal,
    })
    const body = await answer.body.text()
    if (answer.statusCode >= 300) {
      throw new StackFailure(
        `${pod.namespace}/${pod.name}:${pod.port}${path} answered ${answer.statusCode}: ${body.slice(0, 200)}`,
      )
    }
    return body
  } catch (problem) {
    if (problem instanceof StackFailure) throw problem
    const where = `pod ${pod.namespace}/${pod.name}`
    const { refused, opened } = forward
    if (refused?.code === 403)
      throw new NotLookedAt(
        `Pod ${pod.namespace}/${pod.name} was not asked: this account may not create pods/portforward in ` +
          `namespace ${pod.namespace}; ` +
          'docs/rbac/stack-namespace.yaml grants it.',
      )
    if (refused && refused.code !== 404) {
      const said = refused.code ? `the API server answered ${refused.code}` : refused.message
      throw new NotForwarded(`port forwarding to ${where}: ${said}`)
    }
    if (!refused && !opened && signal.aborted) throw plainProblem(problem, `port forwarding to ${where}`, api.server)
    throw new StackFailure(
      `Port ${pod.port} of ${where} does not answer through port forwarding: ${refused?.message ?? String(problem)}`,
      { cause: problem },
    )
  } finally {
    forward.close()
    const refused = forward.refused ? { status: forward.refused.code, error: forward.refused.message } : {}
    trace(currentScope()?.id, {
      ...{ type: 'call', api: 'kubernetes', verb: 'FORWARD', tries: 1, ms: performance.now() - started, ...refused },
      path: `${pod.namespace}/${pod.name}:${pod.port}${path}`,
    })
  }
}

/** Why the API server took no connection for a forward; code 0 where it did not answer. */
interface Refused {
  code: number
  message: string
}

async function openForward(
  api: Kubernetes,
  pod: PodPort,
): Promise<{ port: number; opened: boolean; refused: Refused | undefined; close(): void }> {
  const forwarder = new PortForward(api.config)
  const sockets = new Set<Socket>()
  let opened = false
  let refused: Refused | undefined
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    forwarder.portForward(pod.namespace, pod.name, [pod.port], socket, null, socket).then(
      (webSocket) => {
        if (typeof webSocket === 'function') return
        opened = true
        // Who asked may have given up meanwhile.
        if (socket.destroyed) return webSocket.close()
        webSocket.onclose = () => socket.end()
        socket.on('close', () => webSocket.close())
      },
      (problem: unknown) => {
        refused = refusalOfUpgrade(problem)
        socket.destroy()
      },
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get opened() {
      return opened
    },
    get refused() {
      return refused
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** What ws says of an upgrade that was refused: an ErrorEvent, whose message has the code. */
function refusalOfUpgrade(problem: unknown): Refused {
  const { message = String(problem) } = problem as { message?: string }
  return { code: Number(/Unexpected server response: (\d+)/.exec(message)?.[1] ?? 0), message }
}

/** The API server's way to a Service, NAMESPACE/NAME:PORT. */
export function proxyPath(service: string): string {
  const [namespace, name] = service.split('/')
  return `/api/v1/namespaces/${namespace}/services/${name}/proxy`
}
