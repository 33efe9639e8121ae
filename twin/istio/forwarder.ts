import https from 'node:https'
import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { Objects } from '../api/objects.ts'
import type { Endpoint } from '../cluster/services.ts'
import type { Container } from '../kubelet/container.ts'
import { accessLogLines, format } from './access-log.ts'
import { accessLogSinks } from './access-log-sinks.ts'
import { proxyLine } from './agent-line.ts'
import { isAllowed } from './authorization.ts'
import {
  clusterName,
  endpointsIn,
  serviceOf,
  trafficPolicyOf,
  UpstreamCluster,
  type TrafficPolicy,
} from './clusters.ts'
import type { EnvoyAdmin } from './envoy-admin.ts'
import { connectionManagerPatch, routePatch } from './envoy-filters.ts'
import type { IstioHooks } from './hooks.ts'
import { hasSidecar } from './injection.ts'
import type { WorkloadIdentity } from './workload-identity.ts'
import { Exchange } from './exchange.ts'
import { concerns, type GatewayServer, type MeshSnapshot } from './mesh.ts'
import { chooseDestination, durationMs, findRoute, type FoundRoute } from './routes.ts'

// Istio tries a failed connection twice more where a VirtualService does not say otherwise.
const DEFAULT_RETRIES = 2

/** What a proxy does with one request: finds its route, sends it on, and logs it. */
export class HttpForwarder {
  readonly #container: Container
  readonly #objects: Objects
  readonly #snapshot: () => MeshSnapshot | undefined
  readonly #identity: WorkloadIdentity
  readonly #admin: EnvoyAdmin
  readonly #hooks: IstioHooks
  readonly #clusters = new Map<string, UpstreamCluster>()
  readonly #isUpToDate: () => boolean
  readonly #endpoints = new Map<string, Endpoint[] | undefined>()

  constructor(
    container: Container,
    objects: Objects,
    snapshot: () => MeshSnapshot | undefined,
    identity: WorkloadIdentity,
    admin: EnvoyAdmin,
    hooks: IstioHooks,
    isUpToDate: () => boolean,
  ) {
    this.#isUpToDate = isUpToDate
    this.#hooks = hooks
    this.#identity = identity
    this.#admin = admin
    this.#container = container
    this.#objects = objects
    this.#snapshot = snapshot
  }

  /** How many requests went to the hosts of each cluster so far. */
  sent(): Map<string, number> {
    return new Map([...this.#clusters].map(([name, { sent }]) => [name, sent]))
  }

  close(): void {
    for (const cluster of this.#clusters.values()) cluster.close()
  }

  /**
   * Answers a request to a port of the pod. `listener` is the configuration with which Envoy last accepted the port's
   * listener: its filters and access logs come from there, whatever was pushed since.
   */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    port: number,
    servers: readonly GatewayServer[],
    listener: MeshSnapshot | undefined = this.#snapshot(),
  ): Promise<void> {
    const exchange = new Exchange(request, response, `${this.#container.address}:${port}`)
    const snapshot = this.#snapshot()
    if (this.#admin.levelOf('http') === 'debug')
      this.#container.log.write(
        proxyLine(
          this.#container,
          'debug',
          'envoy http external/envoy/source/common/http/conn_manager_impl.cc:393',
          '[Tags: "ConnectionId":"1"] new stream',
        ),
      )
    response.on('error', () => undefined)
    response.on('close', () => {
      if (!listener) return
      const sinks = accessLogSinks(listener, this.#container.pod)
      for (const line of accessLogLines(sinks, exchange.finish())) this.#container.log.write(line)
      for (const text of connectionManagerPatch(listener, this.#container.pod).logFormats)
        this.#container.log.write(format(text, exchange.logged).replace(/\n$/, ''))
    })
    if (!snapshot) return exchange.fail(503, 'no healthy upstream', 'UH', 'no_configuration')
    const policies = (listener ?? snapshot).authorizationPolicies.filter((each) =>
      concerns(snapshot, each, this.#container.pod),
    )
    if (!isAllowed(policies, exchange.query, port))
      return exchange.fail(403, 'RBAC: access denied', '', 'rbac_access_denied_matched_policy')
    const found = findRoute(snapshot, servers, exchange.query)
    if (!found) return exchange.fail(404, '', 'NR', 'route_not_found')
    if (found === 'redirect')
      return exchange.redirect(301, `https://${exchange.query.authority.replace(/:\d+$/, '')}${exchange.query.path}`)
    await this.#follow(exchange, found, snapshot, port, servers[0]?.port.number ?? port)
  }

  async #follow(
    exchange: Exchange,
    found: FoundRoute,
    snapshot: MeshSnapshot,
    port: number,
    servicePort: number,
  ): Promise<void> {
    const { route } = found
    exchange.logged.routeName = route.name ?? ''
    exchange.responseHeaders.push(route.headers?.response)
    if (route.fault?.delay && happens(route.fault.delay.percentage))
      await new Promise((resolve) => setTimeout(resolve, durationMs(route.fault?.delay?.fixedDelay)))
    if (route.fault?.abort && happens(route.fault.abort.percentage))
      return exchange.fail(route.fault.abort.httpStatus, 'fault filter abort', 'FI', 'fault_filter_abort')
    if (route.redirect) {
      const { authority, uri, scheme, redirectCode } = route.redirect
      return exchange.redirect(
        redirectCode ?? 301,
        `${scheme ?? 'http'}://${authority ?? exchange.query.authority}${uri ?? exchange.query.path}`,
      )
    }
    if (route.directResponse)
      return exchange.fail(route.directResponse.status, route.directResponse.body?.string ?? '', '', 'direct_response')
    const chosen = chooseDestination(this.#hooks.destinations.apply(route.route ?? []))
    if (!chosen) return exchange.fail(404, '', 'NR', 'route_not_found')
    exchange.responseHeaders.push(chosen.headers?.response)
    const service = serviceOf(chosen.destination.host, found.namespace, snapshot.clusterDomain)
    const upstreamPort =
      chosen.destination.port?.number ??
      Number(this.#objects.get('services', service.name, service.namespace)?.spec?.ports?.[0]?.port ?? 80)
    const name = clusterName(upstreamPort, chosen.destination.subset, service.fqdn)
    exchange.logged.upstreamCluster = name
    const endpoints = () => {
      // Without an istiod the endpoints stay those that it pushed last.
      if (this.#isUpToDate() || !this.#endpoints.has(name)) {
        const current = endpointsIn(this.#objects, snapshot, service, upstreamPort, chosen.destination.subset)
        this.#endpoints.set(name, current)
      }
      return this.#hooks.endpoints.apply(this.#endpoints.get(name), { found, snapshot, gateway: this.#container })
    }
    const patch = routePatch(
      snapshot,
      this.#container.pod,
      exchange.query.authority.replace(/:\d+$/, ''),
      servicePort,
      port,
    )
    const timeoutMs = patch.timeoutSeconds === undefined ? durationMs(route.timeout) : patch.timeoutSeconds * 1000
    const retries = patch.retries ?? (route.retries ? (route.retries.attempts ?? 0) : DEFAULT_RETRIES)
    const headers = exchange.upstreamHeaders([route.headers, chosen.headers], route.rewrite?.authority)
    const path = route.rewrite?.uri
      ? exchange.query.path.replace(matchedPrefix(found, exchange.query.path), route.rewrite.uri)
      : exchange.query.path
    await this.#send(exchange, {
      name,
      endpoints,
      policy: trafficPolicyOf(snapshot, service.fqdn, chosen.destination.subset),
      headers,
      path,
      timeoutMs,
      retries,
      retryOn: patch.retryOn ?? route.retries?.retryOn ?? 'connect-failure',
    })
  }

  async #send(exchange: Exchange, upstream: Upstream): Promise<void> {
    let cluster = this.#clusters.get(upstream.name)
    if (!cluster) this.#clusters.set(upstream.name, (cluster = new UpstreamCluster(this.#container.address)))
    const endpoints = upstream.endpoints()
    if (!endpoints?.length) return exchange.fail(503, 'no healthy upstream', 'UH', 'no_healthy_upstream')
    const room = cluster.enter(this.#hooks.connectionPool.apply(upstream.policy))
    if (!room)
      return exchange.fail(
        503,
        'upstream connect error or disconnect/reset before headers. reset reason: overflow',
        'UO',
        'upstream_reset_before_response_started{overflow}',
        { 'x-envoy-overloaded': 'true' },
      )
    await room
    cluster.sent++
    const body = await exchange.body()
    try {
      for (let attempt = 0; ; attempt++) {
        const endpoint = cluster.pick(upstream.endpoints() ?? endpoints) ?? endpoints[0]!
        const last = attempt >= upstream.retries
        const problem = await this.#attempt(exchange, upstream, cluster, endpoint, body, last)
        if (!problem || exchange.isOver) return
        if (problem.kind === 'stale') {
          attempt--
          continue
        }
        // The timeout is that of the route, all tries together.
        if (problem.kind === 'timeout') return exchange.fail(504, 'upstream request timeout', 'UT', 'response_timeout')
        if (
          !last &&
          (problem.kind === 'connect' || upstream.retryOn.includes('5xx') || upstream.retryOn.includes('reset'))
        )
          continue
        const [reason, flags] =
          problem.kind === 'connect' ? ['remote connection failure', 'UF'] : ['connection termination', 'UC']
        const reply = this.#hooks.upstreamFailure.apply({
          code: 503,
          body: `upstream connect error or disconnect/reset before headers. reset reason: ${reason}`,
          flags,
          details: 'upstream_reset_before_response_started',
        })
        if (reply) exchange.fail(reply.code, reply.body, reply.flags, reply.details)
        return
      }
    } finally {
      cluster.leave()
    }
  }

  /** Tries one endpoint. Resolves with what failed before the answer began, or undefined once the answer has ended. */
  #attempt(
    exchange: Exchange,
    upstream: Upstream,
    cluster: UpstreamCluster,
    endpoint: Endpoint,
    body: Buffer,
    last: boolean,
  ): Promise<Problem | undefined> {
    const started = performance.now()
    exchange.logged.upstreamHost = `${endpoint.address}:${endpoint.port}`
    return new Promise((resolve) => {
      // To a pod in the mesh it speaks mutual TLS of its own accord.
      const secure = hasSidecar(endpoint.pod)
      const agent = secure ? cluster.secureAgent : cluster.agent
      const sent = (secure ? https : http).request({
        ...(secure ? { ...this.#identity.pem, rejectUnauthorized: false, servername: '' } : {}),
        host: endpoint.address,
        port: this.#container.network.realPort(endpoint.port),
        method: exchange.query.method,
        path: upstream.path,
        headers: { ...upstream.headers, ...(body.length ? { 'content-length': String(body.length) } : {}) },
        agent,
      })
      const timer = upstream.timeoutMs ? setTimeout(() => finish({ kind: 'timeout' }), upstream.timeoutMs) : undefined
      const finish = (problem?: Problem) => {
        clearTimeout(timer)
        if (problem) sent.destroy()
        resolve(problem)
      }
      sent.on('socket', (socket) => void (exchange.logged.upstreamLocal = `${socket.localAddress}:${socket.localPort}`))
      sent.on('error', (problem: NodeJS.ErrnoException) => {
        if (exchange.isOver) return finish()
        // Envoy would not have chosen a kept connection that the other end has closed: the request has not failed.
        if (sent.reusedSocket && problem.code === 'ECONNRESET') return finish({ kind: 'stale' })
        finish({ kind: problem.code === 'ECONNREFUSED' ? 'connect' : 'reset' })
      })
      sent.on('response', (answer) => {
        clearTimeout(timer)
        if (!last && (answer.statusCode ?? 0) >= 500 && upstream.retryOn.includes('5xx')) {
          answer.resume()
          return finish({ kind: 'reset' })
        }
        exchange.logged.upstreamMs = Math.round(performance.now() - started)
        exchange.pass(answer)
        answer.on('end', () => finish())
        answer.on('error', () => {
          exchange.abort()
          finish()
        })
      })
      exchange.onAbort(() => sent.destroy())
      sent.end(body)
    })
  }
}

interface Problem {
  kind: 'connect' | 'reset' | 'timeout' | 'stale'
}

interface Upstream {
  name: string
  endpoints: () => Endpoint[] | undefined
  policy: TrafficPolicy
  headers: OutgoingHttpHeaders
  path: string
  timeoutMs: number | undefined
  retries: number
  retryOn: string
}

const happens = (percentage: { value: number } | undefined): boolean => Math.random() * 100 < (percentage?.value ?? 100)

const matchedPrefix = ({ route }: FoundRoute, path: string): string =>
  route.match
    ?.map(({ uri }) => uri?.prefix ?? uri?.exact)
    .find((prefix) => prefix !== undefined && path.startsWith(prefix)) ?? '/'
