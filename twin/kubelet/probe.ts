import http from 'node:http'
import { connect } from 'node:net'
import type { KubeObject } from '../api/object.ts'
import type { Network } from '../network.ts'

/** A readiness probe of a container, as far as the twin's kubelets do one. */
export interface Probe {
  httpGet?: { path?: string; port: number | string; httpHeaders?: { name: string; value: string }[] }
  tcpSocket?: { port: number | string }
  timeoutSeconds?: number
  failureThreshold?: number
  initialDelaySeconds?: number
}

/** Whether the probe succeeds now: 200 to 399 for httpGet, a connection for tcpSocket. */
export function probe(
  given: Probe,
  container: KubeObject['spec'],
  address: string,
  network: Network,
  past?: { localPort(port: number): number },
): Promise<boolean> {
  const timeout = (given.timeoutSeconds ?? 1) * 1000
  const portOf = (port: number | string) => {
    const ports = (container.ports ?? []) as { name?: string; containerPort: number }[]
    const number =
      typeof port === 'number' ? port : (ports.find(({ name }) => name === port)?.containerPort ?? Number(port))
    const wanted = number || (ports[0]?.containerPort ?? 0)
    // The proxy's own ports are its own; the others it would take for plain text of a stranger.
    return network.realPort(container.name === 'istio-proxy' ? wanted : (past?.localPort(wanted) ?? wanted))
  }
  if (given.httpGet) {
    const { path = '/', port, httpHeaders = [] } = given.httpGet
    const headers = {
      'user-agent': 'kube-probe/1.34',
      connection: 'close',
      ...Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value])),
    }
    return new Promise((resolve) => {
      const request = http.get(
        { host: address, port: portOf(port), path, headers, agent: false, timeout },
        (answer) => {
          answer.resume()
          const code = answer.statusCode ?? 0
          resolve(code >= 200 && code < 400)
        },
      )
      request.on('timeout', () => request.destroy())
      request.on('error', () => resolve(false))
    })
  }
  const socketPort = given.tcpSocket?.port
  if (socketPort === undefined) return Promise.resolve(true)
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: portOf(socketPort), timeout })
    const done = (ok: boolean) => {
      socket.destroy()
      resolve(ok)
    }
    socket.on('connect', () => done(true))
    socket.on('timeout', () => done(false))
    socket.on('error', () => done(false))
  })
}
