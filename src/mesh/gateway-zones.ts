import { zoneOf } from '../kube/nodes.ts'
import { valueOf } from '../survey/fact.ts'
import type { Gateway } from '../survey/survey.ts'
import { zonesFor, type PlacedPod } from '../survey/takes.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Istio } from './istio.ts'

/** The Ready pods of a gateway by zone: their IP addresses, and the EC2 instance ids of their nodes. */
export interface GatewayZones {
  /** The number of Ready gateway pods. */
  size: number
  byZone: Map<string, { pods: Set<string>; nodes: Set<string> }>
  /** The zones of the nodes that take such pods, sorted. */
  possible: string[]
}

/**
 * Why requests do not spread evenly over the zones of a gateway's pods though nothing is wrong; undefined where they
 * must.
 */
export function whyUneven({ service, balancer }: Gateway): string | undefined {
  const name = `Service ${service.namespace}/${service.name}`
  if (service.sessionAffinity === 'ClientIP')
    return `${name} has sessionAffinity ClientIP: one client's requests all go to one pod.`
  const { mode, announcers } = valueOf(balancer)
  return service.externalTrafficPolicy === 'Local' && mode === 'l2'
    ? `${name} has externalTrafficPolicy Local, and MetalLB announces its address from one node ` +
        `(${announcers.join() || 'not told which'}): only pods of that node get traffic.`
    : undefined
}

/** Finds the zones of the Ready pods of a gateway; of the one that carries our requests where none is given. */
export async function gatewayZones(stack: Cluster & { istio: Istio }, gateway?: Gateway): Promise<GatewayZones> {
  const nodes = new Map((await stack.all('v1/Node')).map((node) => [node.metadata?.name, node]))
  const ready = await stack.istio.gatewayPods(gateway)
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
  const possible = zonesFor(valueOf((await stack.survey()).nodes), (ready[0]?.spec ?? {}) as PlacedPod)
  return { size: ready.length, byZone, possible }
}
