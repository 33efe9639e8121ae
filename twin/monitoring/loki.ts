import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import http from 'node:http'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { hasLabels } from '../api/selectors.ts'
import { endpointsOf } from '../cluster/services.ts'
import type { Container, Image } from '../kubelet/container.ts'
import type { Layout } from '../stack/layout.ts'

interface Entry {
  labels: Record<string, string>
  at: string
  line: string
}

/** What is pushed: streams of lines, each with the nanoseconds of its time. */
interface Push {
  streams: { stream: Record<string, string>; values: [string, string][] }[]
}

const KEPT = 5000
const PUSH_EVERY_MS = 500

/** Loki, as far as lines are pushed to it and asked for by a text that they contain. */
export function loki(): Image {
  const entries: Entry[] = []
  const push = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const { streams } = JSON.parse(Buffer.concat(chunks).toString()) as Push
    for (const { stream, values } of streams)
      for (const [at, line] of values) entries.push({ labels: stream, at, line })
    entries.splice(0, Math.max(0, entries.length - KEPT))
    response.writeHead(204).end()
  }
  const answer: RequestListener = (request, response) => {
    const url = new URL(request.url ?? '/', 'http://loki')
    if (url.pathname === '/loki/api/v1/push') return void push(request, response)
    if (url.pathname === '/ready') return void response.end('ready')
    if (url.pathname !== '/loki/api/v1/query_range') return void response.writeHead(404).end()
    const text = /\|= "([^"]+)"/.exec(url.searchParams.get('query') ?? '')?.[1] ?? ''
    const found = entries
      .filter(({ line }) => line.includes(text))
      .slice(0, Number(url.searchParams.get('limit') ?? 100))
    const result = found.map(({ labels, at, line }) => ({ stream: labels, values: [[at, line]] }))
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'streams', result } }))
  }
  return async (container) => {
    await container.listen(http.createServer(answer), 3100)
    return {}
  }
}

/** Whether a pod is of one of the layout's gateways. */
const isGateway = ({ metadata: { namespace, labels } }: KubeObject, { gateways }: Layout): boolean =>
  gateways.some((each) => each.namespace === namespace && hasLabels(each.labels, labels))

/** A collector on every node: pushes what the gateways' containers on it write to Loki. */
export function collector(
  objects: Objects,
  containerOf: (pod: KubeObject, name: string) => Container | undefined,
): Image {
  return (container) => {
    const followed = new Map<string, () => void>()
    let waiting: Push['streams'] = []
    const follow = (pod: KubeObject) => {
      const uid = pod.metadata.uid ?? ''
      const proxy = containerOf(pod, 'istio-proxy')
      if (followed.has(uid) || !proxy) return
      const stream = { namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name, container: 'istio-proxy' }
      followed.set(
        uid,
        proxy.log.follow((line) => waiting.push({ stream, values: [[`${Date.now()}000000`, line]] })),
      )
    }
    const timer = setInterval(() => {
      const here = objects
        .list('pods')
        .filter((pod) => pod.spec.nodeName === container.pod.spec.nodeName && isGateway(pod, objects.layout))
      for (const pod of here) follow(pod)
      const [to] = endpointsOf(objects, 'loki', 'monitoring', 3100)
      if (!waiting.length || !to) return
      const streams = waiting.slice(-KEPT)
      waiting = []
      const request = http.request({ host: to.address, port: to.port, path: '/loki/api/v1/push', method: 'POST' })
      request.on('error', () => undefined)
      request.on('response', (answer) => answer.resume())
      request.end(JSON.stringify({ streams }))
    }, PUSH_EVERY_MS)
    timer.unref()
    return {
      stop: () => {
        clearInterval(timer)
        for (const end of followed.values()) end()
      },
    }
  }
}
