import { zoneOf } from '../kube/nodes.ts'
import { conditionOf } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Istio } from './istio.ts'

/** The Ready gateway pods by zone: their IP addresses, and the EC2 instance ids of their nodes. */
export interface GatewayZones {
  /** The number of Ready gateway pods. */
  size: number
  byZone: Map<string, { pods: Set<string>; nodes: Set<string> }>
}

/** Finds the zones of the Ready gateway pods. */
export async function gatewayZones(stack: Cluster & { istio: Istio }): Promise<GatewayZones> {
  const nodes = new Map((await stack.all('v1/Node')).map((node) => [node.metadata?.name, node]))
  const ready = (await stack.istio.gatewayPods()).filter((pod) => conditionOf(pod, 'Ready')?.status === 'True')
  const byZone: GatewayZones['byZone'] = new Map()
  for (const pod of ready) {
    const node = nodes.get(String(pod.spec?.nodeName))
    const zone = zoneOf(node) || 'no zone'
    const place = byZone.get(zone) ?? { pods: new Set(), nodes: new Set() }
    byZone.set(zone, place)
    place.pods.add(String(pod.status?.podIP))
    const instance = /\/(i-[0-9a-f]+)$/.exec(String(node?.spec?.providerID))?.[1]
    if (instance) place.nodes.add(instance)
  }
  return { size: ready.length, byZone }
}
