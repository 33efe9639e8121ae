import type { KubeObject } from '../api/object.ts'
import { concerns, type MeshSnapshot } from './mesh.ts'

interface ConfigPatch {
  applyTo: string
  match?: { context?: string; routeConfiguration?: { portNumber?: number; name?: string; vhost?: { name?: string } } }
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
    .filter((filter) => concerns(filter, pod))
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

/** Why Envoy would reject the listeners that come of the EnvoyFilters, in its own words, or undefined. */
export function listenerProblem(snapshot: MeshSnapshot, pod: KubeObject): string | undefined {
  for (const { applyTo, patch } of patchesOf(snapshot, pod)) {
    if (applyTo !== 'NETWORK_FILTER' && applyTo !== 'LISTENER') continue
    const config = (patch.value?.typed_config ?? {}) as { max_request_headers_kb?: number; stat_prefix?: string }
    if ((config.max_request_headers_kb ?? 0) > 8192)
      return 'HttpConnectionManagerValidationError.MaxRequestHeadersKb: value must be inside range (0, 8192]'
    if (config.stat_prefix === '')
      return 'HttpConnectionManagerValidationError.StatPrefix: value length must be at least 1 characters'
  }
  return undefined
}
