import type { KubernetesObject } from '../core/object.ts'

/** Label by which istiod's Gateway API controller marks what it deploys. */
const MANAGED = 'gateway.istio.io/managed'

/** The args of a pod's or template's proxy. */
const proxyArgs = ({ spec }: KubernetesObject): string[] =>
  ((spec?.containers ?? []) as { name: string; args?: string[] }[]).find(({ name }) => name === 'istio-proxy')?.args ??
  []

/** Whether a pod, or a pod template, is a waypoint of the ambient mesh: a proxy that lets nothing in from outside. */
export const isWaypoint = (pod: KubernetesObject): boolean =>
  pod.metadata?.labels?.[MANAGED] === 'istio.io-mesh-controller' || proxyArgs(pod).includes('waypoint')

/** Whether istiod deploys a pod for a Gateway of the Gateway API. */
export const isGatewayApiManaged = (pod: KubernetesObject): boolean =>
  pod.metadata?.labels?.[MANAGED] === 'istio.io-gateway-controller'

/**
 * Whether a pod, or a pod template, is a gateway of Istio: it is injected by the template gateway, or runs the proxy as
 * a router, or is managed for a Gateway of the Gateway API. Its labels and its namespace tell nothing.
 */
export function isGateway(pod: KubernetesObject): boolean {
  if (isWaypoint(pod)) return false
  const templates = pod.metadata?.annotations?.['inject.istio.io/templates'] ?? ''
  if (templates.split(',').some((name) => name.trim() === 'gateway')) return true
  const args = proxyArgs(pod)
  return (args.includes('proxy') && args.includes('router')) || isGatewayApiManaged(pod)
}
