import type { KubeObject } from '../api/object.ts'
import { concerns, effectiveTelemetries, type MeshSnapshot } from './mesh.ts'
import { filterProblem } from './telemetry-filter.ts'

interface ConfigPatch {
  applyTo: string
  match?: {
    context?: string
    listener?: { portNumber?: number }
    routeConfiguration?: { portNumber?: number; name?: string; vhost?: { name?: string } }
  }
  patch: { operation: string; value?: Record<string, unknown> }
}

/** What an EnvoyFilter lays over a route: a time limit, and how often it is tried again. */
export interface RoutePatch {
  timeoutSeconds?: number
  retries?: number
  retryOn?: string
}

const patchesOf = (snapshot: MeshSnapshot, pod: KubeObject): ConfigPatch[] =>
  snapshot.envoyFilters
    .filter((filter) => concerns(snapshot, filter, pod))
    .flatMap((filter) => (filter.spec?.configPatches ?? []) as ConfigPatch[])

/** The patches of HTTP_ROUTE for a virtual host ('host:80') of a port. */
export function routePatch(
  snapshot: MeshSnapshot,
  pod: KubeObject,
  host: string,
  servicePort: number,
  port: number,
): RoutePatch {
  const found: RoutePatch = {}
  for (const { applyTo, match, patch } of patchesOf(snapshot, pod)) {
    const { name, portNumber, vhost } = match?.routeConfiguration ?? {}
    const about =
      applyTo === 'HTTP_ROUTE' &&
      patch.operation === 'MERGE' &&
      (!name || name === `http.${port}`) &&
      (!portNumber || portNumber === servicePort) &&
      (!vhost?.name || vhost.name === `${host}:${servicePort}`)
    if (!about) continue
    const route = (patch.value?.route ?? {}) as {
      timeout?: string
      retry_policy?: { num_retries?: number; retry_on?: string }
    }
    if (route.timeout) found.timeoutSeconds = Number(route.timeout.replace(/s$/, ''))
    if (route.retry_policy?.num_retries !== undefined) found.retries = route.retry_policy.num_retries
    if (route.retry_policy?.retry_on) found.retryOn = route.retry_policy.retry_on
  }
  return found
}

/** A listener that Envoy rejects, in its own words; all of them where no port is named. */
export interface RejectedListener {
  port: number | undefined
  problem: string
}

/**
 * What Envoy rejects first of EnvoyFilters and of the filters of access logs; undefined where it accepts everything.
 */
export function listenerProblem(snapshot: MeshSnapshot, pod: KubeObject): RejectedListener | undefined {
  for (const { applyTo, match, patch } of patchesOf(snapshot, pod)) {
    if (applyTo !== 'NETWORK_FILTER' && applyTo !== 'LISTENER') continue
    const config = (patch.value?.typed_config ?? {}) as { max_request_headers_kb?: number; stat_prefix?: string }
    const port = match?.listener?.portNumber
    if ((config.max_request_headers_kb ?? 0) > 8192) {
      const range = 'value must be inside range (0, 8192]'
      return { port, problem: `HttpConnectionManagerValidationError.MaxRequestHeadersKb: ${range}` }
    }
    if (config.stat_prefix === '') {
      const length = 'value length must be at least 1 characters'
      return { port, problem: `HttpConnectionManagerValidationError.StatPrefix: ${length}` }
    }
  }
  const filter = effectiveTelemetries(snapshot, pod).map(filterProblem).find(Boolean)
  return filter ? { port: undefined, problem: `Not able to parse filter expression: ${filter}` } : undefined
}

/** What EnvoyFilters lay over the connection manager of the gateway's listeners. */
export interface ConnectionManagerPatch {
  /** The share of traces, in percent. */
  sampling?: number
  /** The formats of access logs beside the mesh's own. */
  logFormats: string[]
}

export function connectionManagerPatch(snapshot: MeshSnapshot, pod: KubeObject): ConnectionManagerPatch {
  const found: ConnectionManagerPatch = { logFormats: [] }
  for (const { applyTo, patch } of patchesOf(snapshot, pod)) {
    if (applyTo !== 'NETWORK_FILTER' || patch.operation !== 'MERGE') continue
    const config = (patch.value?.typed_config ?? {}) as {
      tracing?: { random_sampling?: { value?: number } }
      access_log?: { typed_config?: { log_format?: { text_format_source?: { inline_string?: string } } } }[]
    }
    const sampling = config.tracing?.random_sampling?.value
    if (sampling !== undefined) found.sampling = sampling
    for (const { typed_config } of config.access_log ?? [])
      found.logFormats.push(typed_config?.log_format?.text_format_source?.inline_string ?? '')
  }
  return found
}
