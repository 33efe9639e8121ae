import { zoneOf } from '../kube/nodes.ts'
import { conditionOf } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Istio } from './istio.ts'

/** Where the Ready gateway pods are: by zone their addresses, and what their nodes are known by to a load balancer. */
export interface GatewayZones {
  /** How many pods there are. */
  size: number
  byZone: Map<string, { pods: Set<string>; nodes: Set<string> }>
}

/** Looks where the Ready gateway pods are. */
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
