import http from 'node:http'
import https from 'node:https'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { hasLabels } from '../api/selectors.ts'
import { endpointsOf, type Endpoint } from '../cluster/services.ts'
import { hostMatches, type MeshSnapshot } from './mesh.ts'

/** A traffic policy of a DestinationRule, as far as the twin heeds it. */
export interface TrafficPolicy {
  connectionPool?: {
    tcp?: { maxConnections?: number; connectTimeout?: string }
    http?: {
      http1MaxPendingRequests?: number
      http2MaxRequests?: number
      maxRequestsPerConnection?: number
      maxRetries?: number
    }
  }
  loadBalancer?: { simple?: string; consistentHash?: { httpHeaderName?: string; httpCookie?: { name: string } } }
  tls?: { mode?: string }
}

const UNLIMITED = 2 ** 32 - 1

/** The service that a host of a route means: short names are of the rule's namespace. */
export function serviceOf(
  host: string,
  namespace: string,
  clusterDomain: string,
): { name: string; namespace: string; fqdn: string } {
  const [name = '', space = namespace] = host.split('.')
  return { name, namespace: space, fqdn: `${name}.${space}.svc.${clusterDomain}` }
}

/** Envoy's name of a destination's cluster. */
export const clusterName = (port: number, subset: string | undefined, fqdn: string): string =>
  `outbound|${port}|${subset ?? ''}|${fqdn}`

/** The DestinationRule of a host: the one with the most meaning host, the oldest of several. */
function destinationRuleOf(snapshot: MeshSnapshot, fqdn: string): KubeObject | undefined {
  const full = (rule: KubeObject) => {
    const host = String(rule.spec?.host)
    return host.includes('*') || host.includes('.svc.')
      ? host
      : serviceOf(host, rule.metadata.namespace ?? '', snapshot.clusterDomain).fqdn
  }
  return snapshot.destinationRules
    .filter((rule) => hostMatches(full(rule), fqdn))
    .toSorted(
      (a, b) => Number(full(a).includes('*')) - Number(full(b).includes('*')) || full(b).length - full(a).length,
    )[0]
}

const subsetOf = (rule: KubeObject | undefined, name: string | undefined) =>
  (
    (rule?.spec?.subsets ?? []) as { name: string; labels: Record<string, string>; trafficPolicy?: TrafficPolicy }[]
  ).find((each) => each.name === name)

export function trafficPolicyOf(snapshot: MeshSnapshot, fqdn: string, subset: string | undefined): TrafficPolicy {
  const rule = destinationRuleOf(snapshot, fqdn)
  return { ...(rule?.spec?.trafficPolicy as TrafficPolicy | undefined), ...subsetOf(rule, subset)?.trafficPolicy }
}

/** The circuit breakers of a cluster as Envoy's config dump has them. */
export function circuitBreakers({ connectionPool }: TrafficPolicy): object {
  return {
    thresholds: [
      {
        max_connections: connectionPool?.tcp?.maxConnections ?? UNLIMITED,
        max_pending_requests: connectionPool?.http?.http1MaxPendingRequests ?? UNLIMITED,
        max_requests: connectionPool?.http?.http2MaxRequests ?? UNLIMITED,
        max_retries: connectionPool?.http?.maxRetries ?? UNLIMITED,
        track_remaining: true,
      },
    ],
  }
}

/** The Ready endpoints of a port of a Service, or of a subset of it; undefined for a subset that is not defined. */
export function endpointsIn(
  objects: Objects,
  snapshot: MeshSnapshot,
  service: { name: string; namespace: string; fqdn: string },
  port: number,
  subset: string | undefined,
): Endpoint[] | undefined {
  // Of a namespace that it does not know, istiod knows no endpoints.
  const all = snapshot.knows(service.namespace) ? endpointsOf(objects, service.name, service.namespace, port) : []
  if (!subset) return all
  const found = subsetOf(destinationRuleOf(snapshot, service.fqdn), subset)
  return found && all.filter(({ pod }) => hasLabels(found.labels, pod?.metadata.labels))
}

/**
 * One proxy's connections to one cluster: kept alive, bounded as its circuit breakers say, and its endpoints in turn.
 */
export class UpstreamCluster {
  readonly #agent: http.Agent
  readonly secureAgent: https.Agent
  #next = Math.floor(Math.random() * 1000)
  active = 0
  pending = 0
  /** Requests that went to a host so far. */
  sent = 0

  constructor(address: string) {
    const kept = { keepAlive: true, localAddress: address, maxFreeSockets: 64, timeout: 60_000 }
    this.#agent = new http.Agent(kept)
    this.secureAgent = new https.Agent(kept)
  }

  get agent(): http.Agent {
    return this.#agent
  }

  /** The endpoint for the next request. */
  pick(endpoints: readonly Endpoint[]): Endpoint | undefined {
    return endpoints[this.#next++ % endpoints.length]
  }

  /**
   * Takes room for one request: a connection of its own (HTTP/1.1), or a place in the queue for one. Gives undefined at
   * the limit of both, as Envoy's overflow; else a promise that resolves when the request may go.
   */
  enter(policy: TrafficPolicy): Promise<void> | undefined {
    const { tcp, http: limits } = policy.connectionPool ?? {}
    const most = Math.min(tcp?.maxConnections ?? UNLIMITED, limits?.http2MaxRequests ?? UNLIMITED)
    if (this.active < most) {
      this.active++
      return Promise.resolve()
    }
    if (
      this.pending >= (limits?.http1MaxPendingRequests ?? UNLIMITED) ||
      this.active >= (limits?.http2MaxRequests ?? UNLIMITED)
    ) {
      return undefined
    }
    this.pending++
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  readonly #waiting: (() => void)[] = []

  /** Gives the room back, to who waits for it. */
  leave(): void {
    const next = this.#waiting.shift()
    if (next) {
      this.pending--
      next()
    } else this.active--
  }

  close(): void {
    this.#agent.destroy()
    this.secureAgent.destroy()
  }
}
