import { createServer, type AddressInfo, type Socket } from 'node:net'
import { PortForward } from '@kubernetes/client-node'
import { request } from 'undici'
import { deadline } from '../core/deadlines.ts'
import { StackFailure } from '../core/problem.ts'
import { requireEffect } from '../core/scope.ts'
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
}

/**
 * One request to a port of a pod by port forwarding, and its answer's body.
 * @throws StackFailure where the pod answers anything but 2xx
 */
export async function askPod(api: Kubernetes, pod: PodPort, asked: PodRequest): Promise<string> {
  const { path, method = 'GET' } = asked
  if (method !== 'GET' && !asked.isRead)
    requireEffect('tunes', `sent ${method} ${path} to pod ${pod.namespace}/${pod.name}`)
  const forward = await openForward(api, pod)
  try {
    const answer = await request(`http://127.0.0.1:${forward.port}${path}`, {
      method: asked.method ?? 'GET',
      body: asked.body ?? null,
      ...(asked.body ? { headers: { 'content-type': 'application/json' } } : {}),
      reset: true,
      signal: AbortSignal.timeout(deadline('apiCall')),
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
    throw new StackFailure(
      `Port ${pod.port} of pod ${pod.namespace}/${pod.name} does not answer through port forwarding: ${forward.problem ?? String(problem)}`,
      { cause: problem },
    )
  } finally {
    forward.close()
  }
}

async function openForward(
  api: Kubernetes,
  pod: PodPort,
): Promise<{ port: number; problem: string | undefined; close(): void }> {
  const forwarder = new PortForward(api.config)
  const sockets = new Set<Socket>()
  const state: { problem: string | undefined } = { problem: undefined }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    forwarder.portForward(pod.namespace, pod.name, [pod.port], socket, null, socket).then(
      (webSocket) => {
        if (typeof webSocket === 'function') return
        webSocket.onclose = () => socket.end()
        socket.on('close', () => webSocket.close())
      },
      (problem: unknown) => {
        state.problem = plainProblem(problem, 'port forwarding', api.server).message
        socket.destroy()
      },
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get problem() {
      return state.problem
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** The API server's way to a Service, NAMESPACE/NAME:PORT. */
export function proxyPath(service: string): string {
  const [namespace, name] = service.split('/')
  return `/api/v1/namespaces/${namespace}/services/${name}/proxy`
}
