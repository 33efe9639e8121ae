import type { Answer } from '../traffic/http.ts'
import { KNATIVE } from '../kube/kinds.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { gatewayName } from '../cluster/gateway-service.ts'

/** The hops of a request in order, and the header and address that they were read from. */
export interface RequestPath {
  hops: string[]
  forwardedFor: string
  from: string
}

/**
 * The hops of a request, by what the container received (/info of the workload). Every proxy appends the address of its
 * client to X-Forwarded-For, so the chain has the gateway's address if another proxy follows; only queue-proxy, in the
 * same pod, connects to the container from loopback.
 */
export async function requestPath(cluster: Cluster, answer: Answer): Promise<RequestPath> {
  const received = JSON.parse(answer.body) as { from: string; headers: Record<string, string> }
  const forwardedFor = received.headers['x-forwarded-for'] ?? ''
  // Read now: pods may have been replaced since the run began.
  const { namespace, name: service } = await gatewayName(cluster)
  const { spec } = await cluster.one('v1/Service', service, namespace)
  const selector = Object.entries((spec?.selector ?? {}) as Record<string, string>).map(
    ([key, value]) => `${key}=${value}`,
  )
  const gateways = addressesOf(await cluster.k8s.list('v1/Pod', { namespace, labels: selector.join(',') }))
  const activators = addressesOf(await cluster.k8s.list('v1/Pod', { namespace: KNATIVE, labels: 'app=activator' }))
  const proxies = forwardedFor
    .split(',')
    .map((address) => address.trim())
    .flatMap((address) => (gateways.has(address) ? ['gateway'] : activators.has(address) ? ['activator'] : []))
  const last = /^(::ffff:)?127\.0\.0\.1$|^::1$/.test(received.from) ? ['queue-proxy'] : []
  return { hops: [...proxies, ...last, 'container'], forwardedFor, from: received.from }
}

const addressesOf = ({ items }: { items: KubernetesObject[] }): Set<string> =>
  new Set(items.map((pod) => String(pod.status?.podIP)))
