import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { Container, Program } from '../kubelet/container.ts'
import { probe, type Probe } from '../kubelet/probe.ts'
import type { KnativeHooks } from './hooks.ts'
import { revisionKey } from './kinds.ts'
import { forwardedHeaders, HopAgent, passOn } from './pass-on.ts'
import { answerProbe } from './probes.ts'
import { logRequest } from './request-log.ts'
import { RequestStats } from './request-stats.ts'

// What may wait for each request that may run (pkg/queue/sharedmain, buildBreaker).
const QUEUED_PER_REQUEST = 10

// Tenths of a second without a request before a terminating pod ends: by then nobody sends to its address any more.
const DRAIN_ROUNDS = 20

/** queue-proxy of one pod: limits, times out, counts and passes on what comes for its container. */
export class QueueProxy {
  readonly revision: string
  readonly stats = new RequestStats()
  readonly #container: Container
  readonly #hooks: KnativeHooks
  readonly #limit: number
  readonly #timeoutMs: number
  readonly #userPort: number
  readonly #waiting: (() => void)[] = []
  // The container sees that who connects is in its own pod.
  readonly #agent = new HopAgent('127.0.0.1')
  #running = 0
  #answered = 0
  #draining = false

  constructor(container: Container, hooks: KnativeHooks) {
    const { env } = container
    this.#container = container
    this.#hooks = hooks
    this.revision = revisionKey(env.SERVING_NAMESPACE, env.SERVING_REVISION ?? '')
    this.#limit = Number(env.CONTAINER_CONCURRENCY ?? 0)
    this.#timeoutMs = Number(env.REVISION_TIMEOUT_SECONDS ?? 300) * 1000
    this.#userPort = Number(env.USER_PORT ?? 8080)
  }

  async start(): Promise<Program> {
    await this.#container.listen(
      http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => void this.#handle(request, response)),
      8012,
    )
    await this.#container.listen(http.createServer(this.#metrics), 9091)
    return { stop: () => this.#drain() }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined)
    const isKubelet = String(request.headers['user-agent']).startsWith('kube-probe')
    if (isKubelet) return void (await this.#answerKubelet(response))
    const isProbe =
      request.headers['k-network-probe'] === 'probe' || request.headers['user-agent'] === 'Knative-Activator-Probe'
    if (this.#hooks.answersProbe.apply(isProbe, request) && answerProbe(request, response, 'queue', !this.#draining))
      return
    this.#log(request, response)
    if (this.#draining) response.setHeader('connection', 'close')
    const proxied = request.headers['k-proxy-request'] === 'activator'
    this.stats.enter(proxied)
    response.on('close', () => this.stats.leave(proxied))
    const timeoutMs = this.#hooks.requestTimeoutMs.apply(this.#timeoutMs)
    const timeout = setTimeout(() => this.#timeOut(response), timeoutMs)
    response.on('close', () => clearTimeout(timeout))
    if (!(await this.#enter(response))) return
    try {
      this.#answered += this.#hooks.requestCount.apply(1)
      await passOn(request, response, {
        host: this.#container.address,
        port: this.#container.localPort(this.#userPort),
        agent: this.#agent,
        headers: forwardedHeaders(request),
      })
    } catch (problem) {
      if (!response.headersSent && !response.destroyed)
        response
          .writeHead(502)
          .end(`dial tcp 127.0.0.1:${this.#userPort}: ${(problem as NodeJS.ErrnoException).code ?? 'failed'}`)
    } finally {
      this.#leave()
    }
  }

  #log(request: IncomingMessage, response: ServerResponse): void {
    const {
      OBSERVABILITY_CONFIG,
      SERVING_REVISION = '',
      SERVING_NAMESPACE = '',
      SERVING_POD = '',
    } = this.#container.env
    const { requestLog, requestLogTemplate } = JSON.parse(OBSERVABILITY_CONFIG || '{}') as Record<string, string>
    const template = this.#hooks.requestLogTemplate.apply(requestLogTemplate ?? '')
    if (requestLog !== 'true' || !template) return
    const revision = { name: SERVING_REVISION, namespace: SERVING_NAMESPACE, pod: SERVING_POD }
    logRequest(this.#container.log, template, request, response, revision)
  }

  #timeOut(response: ServerResponse): void {
    if (response.headersSent) response.destroy()
    else response.writeHead(504, { 'content-type': 'text/plain' }).end('request timeout')
  }

  /** Waits for a place below the container's concurrency; false where there is none to wait for, or the client went. */
  async #enter(response: ServerResponse): Promise<boolean> {
    const limit = this.#hooks.concurrencyLimit.apply(this.#limit)
    if (limit > 0 && this.#running >= limit) {
      if (this.#waiting.length >= QUEUED_PER_REQUEST * limit) {
        response.writeHead(503).end('pending request queue full')
        return false
      }
      // Whoever leaves hands over the place.
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
      if (!response.destroyed && !response.writableEnded) return true
      this.#leave()
      return false
    }
    this.#running++
    return true
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#running--
  }

  /** What the kubelet asks is passed on to the container's own probe. */
  async #answerKubelet(response: ServerResponse): Promise<void> {
    const given = JSON.parse(this.#container.env.SERVING_READINESS_PROBE || '{}') as Probe
    const fixed: Probe = given.httpGet
      ? { ...given, httpGet: { ...given.httpGet, port: this.#userPort } }
      : { ...given, tcpSocket: { port: this.#userPort } }
    const past = { localPort: (port: number) => this.#container.localPort(port) }
    const ok = !this.#draining && (await probe(fixed, {}, this.#container.address, this.#container.network, past))
    response.writeHead(ok ? 200 : 503).end(ok ? 'queue' : 'queue not ready')
  }

  /** Goes on with what it has, and ends when nothing has come for a moment. */
  async #drain(): Promise<void> {
    this.#draining = true
    for (let quiet = 0; quiet < DRAIN_ROUNDS; quiet = this.#running || this.#waiting.length ? 0 : quiet + 1)
      await new Promise((resolve) => setTimeout(resolve, 100))
    this.#agent.destroy()
  }

  readonly #metrics: RequestListener = (_request, response) => {
    const { SERVING_NAMESPACE, SERVING_SERVICE, SERVING_CONFIGURATION, SERVING_REVISION, OBSERVABILITY_CONFIG } =
      this.#container.env
    const { requestMetrics } = JSON.parse(OBSERVABILITY_CONFIG || '{}') as { requestMetrics?: string }
    if (requestMetrics !== 'prometheus') return void response.writeHead(404).end()
    const labels = [
      `k8s_namespace_name="${SERVING_NAMESPACE}"`,
      `kn_service_name="${SERVING_SERVICE}"`,
      `kn_configuration_name="${SERVING_CONFIGURATION}"`,
      `kn_revision_name="${SERVING_REVISION}"`,
    ].join(',')
    const lines = [`# TYPE target_info gauge`, `target_info{${labels}} 1`]
    if (this.#answered)
      lines.push(
        '# TYPE kn_serving_queue_depth gauge',
        `kn_serving_queue_depth ${this.#waiting.length}`,
        '# TYPE kn_serving_invocation_duration_seconds histogram',
        `kn_serving_invocation_duration_seconds_count ${this.#answered}`,
        '# TYPE http_server_request_duration_seconds histogram',
        `http_server_request_duration_seconds_count ${this.#answered}`,
      )
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(`${lines.join('\n')}\n`)
  }
}
