import { parse } from 'yaml'
import type { Cluster } from '../cluster/cluster.ts'
import type { Istio } from '../mesh/istio.ts'

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
 * The external gateways of config-istio, in either form: `external-gateways` (a YAML list, from 1.14) or `gateway.NAMESPACE.NAME`.
 * net-istio's own default where neither is set (pkg/reconciler/ingress/config/istio.go). Both at once is an error there too.
 */
export function externalGateways(settings: Record<string, string>): {
  found: KnativeGateway[]
  byDefault: boolean
  problem?: string
} {
  const old = Object.entries(settings).filter(([key]) => key.startsWith('gateway.'))
  const list = settings['external-gateways']
  if (list !== undefined && old.length)
    return {
      found: [],
      byDefault: false,
      problem: 'it has both external-gateways and gateway.* keys, which net-istio refuses',
    }
  if (list !== undefined) {
    try {
      return { found: (parse(list) ?? []) as KnativeGateway[], byDefault: false }
    } catch {
      return { found: [], byDefault: false, problem: 'external-gateways is no YAML list' }
    }
  }
  if (old.length) {
    const found = old.map(([key, service]) => {
      const parts = key.split('.')
      return parts.length === 2
        ? { namespace: 'knative-serving', name: parts[1] ?? '', service }
        : { namespace: parts[1] ?? '', name: parts.slice(2).join('.'), service }
    })
    return { found, byDefault: false }
  }
  return { found: [DEFAULT], byDefault: true }
}

/** A sentence for each thing that is wrong with the Gateways: not there, another Service, a selector that misses its pods, no port 80. */
export async function gatewayTroubles(
  stack: Cluster & { istio: Istio },
  gateways: readonly KnativeGateway[],
): Promise<string[]> {
  const { namespace, service } = stack.config.gateway
  const pods = await stack.istio.gatewayPods()
  const troubles = gateways.map(async (each) => {
    const name = `${each.namespace}/${each.name}`
    const expected = `${service}.${namespace}.svc.cluster.local`
    const wrongService = each.service === expected ? [] : [`${name} points to ${each.service}, not to ${expected}`]
    const gateway = await stack.maybe('networking.istio.io/v1beta1/Gateway', each.name, each.namespace)
    if (!gateway) return [...wrongService, `Gateway ${name} does not exist`]
    const selector = Object.entries((gateway.spec?.selector ?? {}) as Record<string, string>)
    const missed = pods.filter((pod) => !selector.every(([key, value]) => pod.metadata?.labels?.[key] === value))
    const servers = (gateway.spec?.servers ?? []) as {
      port?: { number?: number; protocol?: string }
      hosts?: string[]
    }[]
    const http = servers.some(
      ({ port, hosts }) =>
        port?.number === 80 && /^HTTP$/i.test(port.protocol ?? '') && hosts?.some((host) => host.endsWith('*')),
    )
    const seen = servers
      .map(({ port, hosts }) => `${port?.protocol} ${port?.number} for ${hosts?.join(', ')}`)
      .join('; ')
    return [
      ...wrongService,
      ...(missed.length
        ? [
            `Gateway ${name} selects ${JSON.stringify(gateway.spec?.selector)}, which misses ${missed.map((pod) => pod.metadata?.name).join(', ')}`,
          ]
        : []),
      ...(http ? [] : [`Gateway ${name} has no HTTP server on port 80 for every host; it has ${seen || 'none'}`]),
    ]
  })
  return (await Promise.all(troubles)).flat()
}
