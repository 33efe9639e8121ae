import type { KubernetesObject } from '../core/object.ts'
import { StackFailure } from '../core/problem.ts'
import type { Istiod } from '../survey/survey.ts'

/** What istiod knows of one proxy (its /debug/syncz): a type is synced where the nonce sent was acknowledged. */
export interface ProxyStatus {
  /** POD.NAMESPACE. */
  proxy: string
  proxy_type?: string
  istio_version: string
  cluster_sent?: string
  cluster_acked?: string
  listener_sent?: string
  listener_acked?: string
  route_sent?: string
  route_acked?: string
  endpoint_sent?: string
  endpoint_acked?: string
}

/** A proxy and the istiod that it is connected to. */
export interface Proxy extends ProxyStatus {
  istiod: Istiod
}

/** The namespace of a proxy's pod: of the two names only the pod's may have dots. */
export const namespaceOf = ({ proxy }: Pick<ProxyStatus, 'proxy'>): string => proxy.slice(proxy.lastIndexOf('.') + 1)

const TYPES = { CDS: 'cluster', LDS: 'listener', EDS: 'endpoint', RDS: 'route' } as const
type Discovery = keyof typeof TYPES

/**
 * What a proxy cannot work without. A gateway has listeners only where a Gateway selects it; a ztunnel and an
 * agentgateway subscribe to types of their own and are told none of these.
 */
const NEEDED: Readonly<Record<string, readonly Discovery[]>> = {
  sidecar: ['CDS', 'LDS'],
  waypoint: ['CDS', 'LDS'],
  router: ['CDS'],
}

/** The types whose last push the proxy has not acknowledged, or that it needs and never got. */
export function staleTypes(proxy: ProxyStatus): string[] {
  const needed = NEEDED[proxy.proxy_type ?? 'sidecar'] ?? []
  return (Object.keys(TYPES) as Discovery[]).filter((type) => {
    const name = TYPES[type]
    const sent = proxy[`${name}_sent`]
    return sent ? sent !== proxy[`${name}_acked`] : needed.includes(type)
  })
}

/** A sentence for each proxy with a type that is stale: 'POD.NAMESPACE CDS, LDS'. */
export const staleProxies = (proxies: readonly ProxyStatus[]): string[] =>
  proxies.flatMap((proxy) => {
    const stale = staleTypes(proxy)
    return stale.length ? [`${proxy.proxy} ${stale.join(', ')}`] : []
  })

/** The proxy of a pod, where it is connected. */
export const proxyOf = (proxies: readonly Proxy[], { metadata }: KubernetesObject): Proxy | undefined =>
  proxies.find(({ proxy }) => proxy === `${metadata?.name}.${metadata?.namespace}`)

/** istiod's answer at /version, without its build: '1.30.3-<git revision>-Clean' is 1.30.3. */
export const versionIn = (answer: string): string => answer.trim().replace(/-[^-]+-[^-]+$/, '')

/** istiod by the name of its workload, as messages have it. */
export const istiodName = ({ workload }: Istiod): string => `${workload.namespace}/${workload.name}`

/** @throws StackFailure, saying that no pod of an istiod is Ready */
export function failWithoutPods(istiod: Istiod): never {
  throw new StackFailure(`Deployment ${istiodName(istiod)}: no pod of this istiod is Ready.`)
}
