import { parse } from 'yaml'
import type { Cluster } from '../cluster/cluster.ts'
import type { Istio } from '../mesh/istio.ts'
import { gatewayName } from '../cluster/gateway-service.ts'

/** A Gateway that net-istio puts VirtualServices on, and the Service of its pods. */
export interface KnativeGateway {
  namespace: string
  name: string
  service: string
}

const DEFAULT: KnativeGateway = {
  namespace: 'knative-serving',
  name: 'knative-ingress-gateway',
  service: 'istio-ingressgateway.istio-system.svc.cluster.local',
}

/**
 * The external gateways of config-istio, in either form: `external-gateways` (a YAML list, from 1.14) or
 * `gateway.NAMESPACE.NAME`; net-istio's own default if neither is set (pkg/reconciler/ingress/config/istio.go). Setting
 * both is an error in net-istio too.
 */
export function externalGateways(settings: Record<string, string>): {
  gateways: KnativeGateway[]
  byDefault: boolean
  problem?: string
} {
  const old = Object.entries(settings).filter(([key]) => key.startsWith('gateway.'))
  const list = settings['external-gateways']
  if (list !== undefined && old.length)
    return {
      gateways: [],
      byDefault: false,
      problem: 'both external-gateways and gateway.* keys are set; net-istio accepts only one of the two forms',
    }
  if (list !== undefined) {
    try {
      return { gateways: (parse(list) ?? []) as KnativeGateway[], byDefault: false }
    } catch {
      return { gateways: [], byDefault: false, problem: 'external-gateways is not a YAML list' }
    }
  }
  if (old.length) {
    const gateways = old.map(([key, service]) => {
      const parts = key.split('.')
      return parts.length === 2
        ? { namespace: 'knative-serving', name: parts[1] ?? '', service }
        : { namespace: parts[1] ?? '', name: parts.slice(2).join('.'), service }
    })
    return { gateways, byDefault: false }
  }
  return { gateways: [DEFAULT], byDefault: true }
}

/**
 * A sentence for each fault of the Gateways: missing, another Service, a selector that does not match its pods, no port
 * 80.
 */
export async function gatewayTroubles(
  stack: Cluster & { istio: Istio },
  gateways: readonly KnativeGateway[],
): Promise<string[]> {
  const { namespace, name: service } = await gatewayName(stack)
  const pods = await stack.istio.gatewayPods()
  const troubles = gateways.map(async ({ name: own, namespace: ownNamespace, service: ownService }) => {
    const name = `Gateway ${ownNamespace}/${own}`
    const expected = `${service}.${namespace}.svc.cluster.local`
    const wrongService =
      ownService === expected ? [] : [`${name}: config-istio maps it to ${ownService}, expected ${expected}`]
    const gateway = await stack.maybe('networking.istio.io/v1beta1/Gateway', own, ownNamespace)
    if (!gateway) return [...wrongService, `${name} does not exist`]
    const selector = Object.entries((gateway.spec?.selector ?? {}) as Record<string, string>)
    const missed = pods
      .filter((pod) => !selector.every(([key, value]) => pod.metadata?.labels?.[key] === value))
      .map((pod) => pod.metadata?.name)
    const servers = (gateway.spec?.servers ?? []) as {
      port?: { number?: number; protocol?: string }
      hosts?: string[]
    }[]
    const http = servers.some(
      ({ port, hosts }) =>
        port?.number === 80 && /^HTTP$/i.test(port.protocol ?? '') && hosts?.some((host) => host.endsWith('*')),
    )
    const actual = servers
      .map(({ port, hosts }) => `${port?.protocol} ${port?.number} for ${hosts?.join(', ')}`)
      .join('; ')
    return [
      ...wrongService,
      ...(missed.length
        ? [`${name}: selector ${JSON.stringify(gateway.spec?.selector)} does not match pods ${missed.join(', ')}`]
        : []),
      ...(http ? [] : [`${name}: no server with protocol HTTP on port 80 for host "*"; servers: ${actual || 'none'}`]),
    ]
  })
  return (await Promise.all(troubles)).flat()
}
