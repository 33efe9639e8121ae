import type { Answer } from './http.ts'
import { KNATIVE } from './knative.ts'
import type { KubernetesObject } from '../check/record.ts'
import type { Stack } from './stack.ts'

/** Who passed a request on, in order, and what that was read from. */
export interface RequestPath {
  hops: string[]
  forwardedFor: string
  from: string
}

/**
 * Who passed a request on, by what the container saw of it (/info of the workload). Every proxy appends who it got the request from
 * to X-Forwarded-For, so the chain has the gateway's address where another proxy follows; only queue-proxy, in the same pod, connects
 * to the container from loopback.
 */
export async function requestPath(stack: Stack, answer: Answer): Promise<RequestPath> {
  const seen = JSON.parse(answer.body) as { from: string; headers: Record<string, string> }
  const forwardedFor = seen.headers['x-forwarded-for'] ?? ''
  const gateways = addressesOf(await stack.istio.gatewayPods())
  const activators = addressesOf(
    (await stack.all('v1/Pod')).filter(
      ({ metadata }) => metadata?.namespace === KNATIVE && metadata.labels?.app === 'activator',
    ),
  )
  const proxies = forwardedFor
    .split(',')
    .map((address) => address.trim())
    .flatMap((address) => (gateways.has(address) ? ['gateway'] : activators.has(address) ? ['activator'] : []))
  const last = /^(::ffff:)?127\.|^::1$/.test(seen.from) ? ['queue-proxy'] : []
  return { hops: [...proxies, ...last, 'container'], forwardedFor, from: seen.from }
}

const addressesOf = (pods: readonly KubernetesObject[]): Set<string> =>
  new Set(pods.map((pod) => String(pod.status?.podIP)))
