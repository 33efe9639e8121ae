import type { Answer } from '../traffic/http.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { gatewayPods } from '../cluster/gateway-service.ts'
import { podsOfComponent } from './component-pods.ts'

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
  const gateways = addressesOf(await gatewayPods(cluster))
  const activators = addressesOf(await podsOfComponent(cluster, 'activator'))
  const proxies: string[] = []
  for (const address of forwardedFor.split(',').map((each) => each.trim())) {
    if (gateways.has(address)) proxies.push('gateway')
    else if (activators.has(address)) proxies.push('activator')
    // Behind its sidecar a proxy sees every client at this address: the first is the gateway, the next the activator.
    else if (address === FROM_SIDECAR) proxies.push(proxies.length ? 'activator' : 'gateway')
  }
  const last = /^(::ffff:)?127\.0\.0\.1$|^::1$/.test(received.from) ? ['queue-proxy'] : []
  return { hops: [...proxies, ...last, 'container'], forwardedFor, from: received.from }
}

/** The address from which Istio's sidecar passes a request on to its own pod. */
const FROM_SIDECAR = '127.0.0.6'

const addressesOf = (pods: readonly KubernetesObject[]): Set<string> =>
  new Set(pods.map((pod) => String(pod.status?.podIP)))
