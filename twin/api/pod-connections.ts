import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Kubelet } from '../kubelet/kubelet.ts'
import type { Network } from '../network.ts'
import type { KubeObject } from './object.ts'
import { badRequest, StatusError } from './status-error.ts'

/** Sends a container's log; with follow=true it goes on until the other end closes. */
export function sendLog(kubelet: Kubelet, pod: KubeObject, query: URLSearchParams, response: ServerResponse): void {
  const names = ((pod.spec.containers ?? []) as { name: string }[]).map(({ name }) => name)
  const asked =
    query.get('container') ??
    pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'] ??
    (names.length === 1 ? names[0] : undefined)
  if (!asked)
    throw badRequest(
      `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${names.join(' ')}]`,
    )
  if (!names.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`)
  const container = kubelet.containerOf(pod, asked)
  if (!container)
    throw badRequest(`container "${asked}" in pod "${pod.metadata.name}" is waiting to start: ContainerCreating`)
  const seconds = query.get('sinceSeconds')
  const time = query.get('sinceTime')
  const since = seconds ? new Date(Date.now() - Number(seconds) * 1000) : time ? new Date(time) : undefined
  const tail = query.get('tailLines')
  const timestamps = query.get('timestamps') === 'true'
  const lines = container.log.read({ since, timestamps, tail: tail === null ? undefined : Number(tail) })
  response.writeHead(200, { 'content-type': 'text/plain' })
  if (lines.length) response.write(`${lines.join('\n')}\n`)
  if (query.get('follow') !== 'true') return void response.end()
  response.flushHeaders()
  const stop = container.log.follow((line) => void response.write(`${line}\n`), timestamps)
  const ended = setInterval(() => {
    if (kubelet.containerOf(pod, asked) !== container) response.end()
  }, 500)
  response.on('close', () => {
    stop()
    clearInterval(ended)
  })
}

/** Passes a request on to a port of a pod: what the API server's pod proxy does. */
export function proxyToPod(
  network: Network,
  pod: KubeObject,
  port: number,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
): Promise<void> {
  const address = pod.status?.podIP as string | undefined
  if (!address) throw new StatusError(503, 'ServiceUnavailable', `no address of pod ${pod.metadata.name} is known yet`)
  const { host: _, authorization: __, 'content-length': ___, ...headers } = request.headers
  return new Promise((resolve, reject) => {
    const upstream = http.request(
      {
        host: address,
        port: network.realPort(port),
        path,
        method: request.method,
        agent: false,
        headers: { ...headers, host: `${address}:${port}`, 'content-length': String(Buffer.byteLength(body)) },
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
        answer.on('end', resolve)
        answer.on('error', reject)
      },
    )
    upstream.on('error', (problem: NodeJS.ErrnoException) => {
      const why =
        problem.code === 'ECONNREFUSED' ? `dial tcp ${address}:${port}: connect: connection refused` : problem.message
      reject(new StatusError(503, 'ServiceUnavailable', `error trying to reach service: ${why}`))
    })
    upstream.end(body)
  })
}

/**
 * Forwards ports of a pod over a WebSocket (v4.channel.k8s.io): of each port a data and an error channel, the first
 * frame of each telling the port. Ports on the pod's loopback are reached too.
 */
export function forwardPorts(
  kubelet: Kubelet,
  network: Network,
  pod: KubeObject,
  ports: readonly number[],
  socket: WebSocket,
): void {
  const streams = ports.map((port, index) => {
    const [data, error] = [index * 2, index * 2 + 1]
    for (const channel of [data, error]) socket.send(Buffer.from([channel, port & 255, port >> 8]))
    const stream = new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        socket.send(Buffer.concat([Buffer.from([data]), chunk]), () => done())
      },
      final(done) {
        socket.close()
        done()
      },
    })
    // An HTTP server asks these of its sockets.
    Object.assign(stream, {
      remoteAddress: '127.0.0.1',
      setTimeout: () => stream,
      setNoDelay: () => stream,
      setKeepAlive: () => stream,
    })
    const loopback = kubelet.loopbackOf(pod, port)
    if (loopback) loopback.emit('connection', stream)
    else {
      const refuse = () => {
        socket.send(
          Buffer.concat([
            Buffer.from([error]),
            Buffer.from(`error forwarding port ${port} to pod ${pod.metadata.name}: connection refused`),
          ]),
        )
        socket.close()
      }
      const upstream = connect({
        host: String(pod.status?.podIP),
        port: network.realPort(kubelet.localPortOf(pod, port)),
      })
      upstream.on('error', refuse)
      stream.pipe(upstream)
      upstream.pipe(stream)
    }
    return { channel: data, stream }
  })
  socket.on('message', (message: Buffer) => {
    const channel = message[0]
    streams.find((each) => each.channel === channel)?.stream.push(message.subarray(1))
  })
  socket.on('close', () => {
    for (const { stream } of streams) {
      stream.push(null)
      stream.destroy()
    }
  })
}
