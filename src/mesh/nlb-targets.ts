import type { Cloud } from '../cloud/cloud.ts'
import type { NlbListener, NlbTarget } from '../cloud/nlb.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { theGateway } from '../survey/surveyed.ts'
import { gatewayZones, type GatewayZones } from './gateway-zones.ts'
import type { Istio } from './istio.ts'

/** The healthy targets behind a port of the gateway's Service, the listener to it, and where the gateway's pods are. */
export interface HealthyTargets {
  listener: NlbListener
  healthy: NlbTarget[]
  zones: GatewayZones
}

/**
 * Waits until the targets behind a port of the gateway's Service are healthy. With externalTrafficPolicy Local a node
 * without a gateway pod is unhealthy, and is meant to be.
 * @throws StackFailure where they do not become so
 */
export async function untilTargetsHealthy(
  stack: Cluster & { istio: Istio; cloud: Cloud },
  port: number,
): Promise<HealthyTargets> {
  const zones = await gatewayZones(stack)
  const isLocal = (await theGateway(stack)).service.externalTrafficPolicy === 'Local'
  const hosts = new Set([...zones.byZone.values()].flatMap(({ nodes }) => [...nodes]))
  const { targets, ...listener } = await stack.cloud.untilHealthy(
    port,
    ({ address }) => isLocal && address.startsWith('i-') && !hosts.has(address),
  )
  return { listener, healthy: targets.filter(({ state }) => state === 'healthy'), zones }
}
