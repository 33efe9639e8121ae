import type { RequestListener } from 'node:http'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { ISTIO_TEXT } from './access-log-formats.ts'
import { accessLogSinks, type AccessLogSink } from './access-log-sinks.ts'
import { circuitBreakers, clusterName, trafficPolicyOf } from './clusters.ts'
import { connectionManagerPatch, routePatch } from './envoy-filters.ts'
import type { IstioHooks } from './hooks.ts'
import { effectiveTelemetries, serversOf, type MeshSnapshot } from './mesh.ts'
import { durationMs, gatewaysOf, type HttpRoute } from './routes.ts'
import type { WorkloadIdentity } from './workload-identity.ts'

// A few of Envoy's loggers; the proxy is started at warning.
const LOGGERS = [
  'admin',
  'client',
  'config',
  'connection',
  'filter',
  'http',
  'jwt',
  'main',
  'misc',
  'rbac',
  'router',
  'upstream',
]

const TYPES = 'type.googleapis.com/envoy.extensions'
const CEL = 'envoy.access_loggers.extension_filters.cel'

/** An access log as Envoy's configuration has it. */
function accessLogOf({ kind, path, text, json, omitsEmpty, filter }: AccessLogSink): object {
  const filtered =
    filter === undefined ? {} : { filter: { extension_filter: { name: CEL, typed_config: { expression: filter } } } }
  if (kind !== 'file') {
    const name = kind === 'otel' ? 'envoy.access_loggers.open_telemetry' : 'envoy.access_loggers.http_grpc'
    const type = kind === 'otel' ? 'open_telemetry.v3.OpenTelemetryAccessLogConfig' : 'grpc.v3.HttpGrpcAccessLogConfig'
    return { name, ...filtered, typed_config: { '@type': `${TYPES}.access_loggers.${type}` } }
  }
  const format = json
    ? { json_format: json }
    : { text_format_source: { inline_string: `${(text ?? ISTIO_TEXT).replace(/\n$/, '')}\n` } }
  return fileLog(path, { ...format, ...(omitsEmpty ? { omit_empty_values: true } : {}) }, filtered)
}

const fileLog = (path: string, log_format: object, more: object = {}): object => ({
  name: 'envoy.access_loggers.file',
  ...more,
  typed_config: { '@type': `${TYPES}.access_loggers.file.v3.FileAccessLog`, path, log_format },
})

/** The access logs that EnvoyFilters add. */
const patchedLogs = (snapshot: MeshSnapshot, pod: KubeObject): object[] =>
  connectionManagerPatch(snapshot, pod).logFormats.map((inline_string) =>
    fileLog('/dev/stdout', { text_format_source: { inline_string } }),
  )

/** What a proxy's admin interface tells of. */
export interface AdminSubject {
  pod: () => KubeObject
  objects: Objects
  snapshot: () => MeshSnapshot | undefined
  hooks: IstioHooks
  identity: WorkloadIdentity
}

/** Envoy's admin interface: what of it is read or set from outside. */
export class EnvoyAdmin {
  readonly #subject: AdminSubject
  /** What went to each cluster; the forwarder of the proxy says it. */
  sent: () => Map<string, number> = () => new Map()
  readonly #levels = new Map(LOGGERS.map((logger) => [logger, 'warning']))

  constructor(subject: AdminSubject) {
    this.#subject = subject
  }

  /** Answers a request to the admin port. */
  readonly answer: RequestListener = (request, response) => {
    const url = new URL(request.url ?? '/', 'http://admin')
    const json = (body: unknown) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(body))
    }
    if (url.pathname === '/server_info') return json({ version: 'twin', state: 'LIVE' })
    if (url.pathname === '/config_dump') return json({ configs: this.#dump(url.searchParams.get('resource')) })
    if (url.pathname === '/clusters') return json({ cluster_statuses: this.#statuses() })
    if (url.pathname !== '/logging') {
      response.statusCode = 404
      return response.end(
        'invalid path. admin commands are:\n  /clusters\n  /config_dump\n  /logging\n  /server_info\n',
      )
    }
    if (request.method !== 'POST') {
      response.statusCode = 405
      return response.end(`Method ${request.method} not allowed, POST required.`)
    }
    for (const [logger, level] of url.searchParams) this.#setLevel(logger, level)
    response.end(`active loggers:\n${[...this.#levels].map(([logger, level]) => `  ${logger}: ${level}`).join('\n')}\n`)
  }

  levelOf(logger: string): string {
    return this.#levels.get(logger) ?? 'warning'
  }

  /** Of a cluster's hosts the twin counts together. */
  #statuses(): object[] {
    return [...this.sent()].map(([name, count]) => ({
      name,
      host_statuses: [{ stats: [{ name: 'rq_total', value: String(count) }] }],
    }))
  }

  /** Sets the level of one logger, or of all where `logger` is 'level'. */
  #setLevel(logger: string, level: string): void {
    for (const name of logger === 'level' ? LOGGERS : [logger])
      this.#levels.set(name, this.#subject.hooks.logLevel.apply(level, { before: this.levelOf(name) }))
  }

  #dump(resource: string | null): object[] {
    const snapshot = this.#subject.snapshot()
    if (!snapshot) return []
    if (resource === 'dynamic_listeners') return this.#listeners(snapshot)
    if (resource === 'dynamic_route_configs') return this.#routes(snapshot)
    if (resource === 'dynamic_active_secrets') return this.#secrets()
    return this.#clusters(snapshot)
  }

  /** The connection manager of each listener, as far as traces go. */
  #listeners(snapshot: MeshSnapshot): object[] {
    const { extensionProviders = [] } = snapshot.mesh
    const configured = effectiveTelemetries(snapshot, this.#subject.pod())
      .flatMap(
        ({ spec }) => (spec?.tracing ?? []) as { providers?: { name: string }[]; randomSamplingPercentage?: number }[],
      )
      .filter(({ providers = [] }) =>
        providers.some(({ name }) => extensionProviders.some((each) => each.name === name)),
      )
      .map(({ randomSamplingPercentage }) => randomSamplingPercentage)
      .at(-1)
    const percent = connectionManagerPatch(snapshot, this.#subject.pod()).sampling ?? configured
    const tracing = percent === undefined ? {} : { tracing: { random_sampling: { value: percent } } }
    const pod = this.#subject.pod()
    const access_log = [...accessLogSinks(snapshot, pod).map(accessLogOf), ...patchedLogs(snapshot, pod)]
    const ports = [...new Set(serversOf(snapshot, pod).map(({ targetPort }) => targetPort))]
    return ports.map((port) => ({
      name: `0.0.0.0_${port}`,
      active_state: {
        listener: {
          name: `0.0.0.0_${port}`,
          address: { socket_address: { address: '0.0.0.0', port_value: port } },
          filter_chains: [
            {
              filters: [
                {
                  name: 'envoy.filters.network.http_connection_manager',
                  typed_config: {
                    '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
                    access_log,
                    ...tracing,
                  },
                },
              ],
            },
          ],
        },
      },
    }))
  }

  /** The routes of each plain port of the gateway, a virtual host a host. */
  #routes(snapshot: MeshSnapshot): object[] {
    const pod = this.#subject.pod()
    const servers = serversOf(snapshot, pod).filter(({ port }) => port.protocol !== 'HTTPS')
    return [...Map.groupBy(servers, ({ targetPort }) => targetPort)].map(([target, here]) => {
      const gateways = new Set(here.map(({ gateway }) => gateway))
      const port = here[0]?.port.number ?? target
      const bound = snapshot.virtualServices.filter((each) => gatewaysOf(each).some((name) => gateways.has(name)))
      const hosts = bound.flatMap((each) => ((each.spec.hosts ?? []) as string[]).map((host) => ({ host, each })))
      return {
        route_config: {
          name: `http.${target}`,
          virtual_hosts: hosts.map(({ host, each }) => {
            const { timeoutSeconds } = routePatch(snapshot, pod, host, port, target)
            const routes = ((each.spec.http ?? []) as HttpRoute[]).map((route) => ({
              route: { timeout: `${timeoutSeconds ?? (durationMs(route.timeout) ?? 0) / 1000}s` },
            }))
            return { name: `${host}:${port}`, domains: [host], routes }
          }),
        },
      }
    })
  }

  #secrets(): object[] {
    const { identity } = this.#subject
    const encode = (text: string) => Buffer.from(text).toString('base64')
    return [
      {
        secret: {
          name: 'default',
          tls_certificate: { certificate_chain: { inline_bytes: encode(identity.pem.cert) } },
        },
      },
      {
        secret: {
          name: 'ROOTCA',
          validation_context: { trusted_ca: { inline_bytes: encode(identity.authority.cert) } },
        },
      },
    ]
  }

  /** Every cluster: a port of a Service, and of its subsets. */
  #clusters(snapshot: MeshSnapshot): object[] {
    const { objects, hooks } = this.#subject
    const subsetsOf = (fqdn: string) =>
      snapshot.destinationRules
        .filter((rule) => rule.spec?.host === fqdn)
        .flatMap((rule) => ((rule.spec.subsets ?? []) as { name: string }[]).map(({ name }) => name))
    return objects.list('services').flatMap((service) => {
      const fqdn = `${service.metadata.name}.${service.metadata.namespace}.svc.${snapshot.clusterDomain}`
      return ((service.spec.ports ?? []) as { port: number }[]).flatMap(({ port }) =>
        [undefined, ...subsetsOf(fqdn)].map((subset) => ({
          '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump.DynamicCluster',
          cluster: {
            '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
            name: clusterName(port, subset, fqdn),
            circuit_breakers: circuitBreakers(hooks.clusterPolicy.apply(trafficPolicyOf(snapshot, fqdn, subset))),
          },
        })),
      )
    })
  }
}
