import type { Cluster } from '../cluster/cluster.ts'
import { allServed } from '../cluster/served.ts'
import { lastingTroubles } from '../cluster/lasting.ts'
import { nodesOf } from '../cluster/workers.ts'
import type { KubernetesObject } from '../core/object.ts'
import { objectName } from '../kube/object-id.ts'
import { alivePods, readinessTroubles, readyPods } from '../kube/pods.ts'
import { selects } from '../kube/selector.ts'
import type { NodeFact, Workload } from '../survey/survey.ts'
import type { Balancing } from './balancer-controller.ts'
import { notAnnounced, poolOf, rangesOf } from './metallb-pools.ts'

/** The label of nodes that announce nothing. */
const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers'

/** How MetalLB's speakers are. */
export interface Speakers {
  ready: number
  /** What is wrong with those on nodes that are up. */
  troubles: string[]
  /** Those on nodes that join, leave or are down. */
  remarks: string[]
}

/** Looks at the pods of MetalLB's DaemonSet, as many as it wants; those that are starting are waited for. */
export async function speakersOf(cluster: Cluster, { namespace, name }: Workload): Promise<Speakers> {
  const { spec, status } = await cluster.one('apps/v1/DaemonSet', name, namespace)
  const desired = Number(status?.desiredNumberScheduled ?? 0)
  const nodes = new Map((await nodesOf(cluster)).map((node) => [node.name, node]))
  let speakers: Speakers = { ready: 0, troubles: [], remarks: [] }
  await lastingTroubles(cluster, { kind: 'v1/Pod', namespace }, (pods) => {
    const own = alivePods(pods).filter(({ metadata }) => selects(spec?.selector, metadata?.labels ?? {}))
    speakers = judgeSpeakers(own, nodes, desired)
    return speakers.troubles
  })
  return speakers
}

/** Judges the pods of a DaemonSet that wants `desired` of them. */
export function judgeSpeakers(
  pods: readonly KubernetesObject[],
  nodes: ReadonlyMap<string, NodeFact>,
  desired: number,
): Speakers {
  const nodeOf = ({ spec }: KubernetesObject) => nodes.get(String(spec?.nodeName))
  const isUp = (pod: KubernetesObject) => nodeOf(pod) === undefined || nodeOf(pod)?.state === 'ready'
  const ready = readyPods(pods)
  const unready = pods.filter((pod) => !ready.includes(pod))
  const missing = desired - pods.length
  return {
    ready: ready.length,
    troubles: [
      ...(desired === 0 ? ['the DaemonSet wants a pod on no node'] : []),
      ...readinessTroubles(unready.filter(isUp)),
      ...(missing > 0 ? [`${missing} of the ${desired} pods that it wants do not exist`] : []),
    ],
    remarks: unready
      .filter((pod) => !isUp(pod))
      .map((pod) => `${objectName(pod)} is not Ready: its node ${nodeOf(pod)?.name} is down, joining or leaving.`),
  }
}

/**
 * Says why MetalLB does not announce the gateway's address, or could not announce one where it has none yet; undefined
 * where it does. `seen` has the pools' ranges.
 */
export async function announcementOf(
  cluster: Cluster,
  { gateway, service, balancer }: Balancing,
): Promise<{ trouble?: string | undefined; seen: string }> {
  const [pools, layer2, bgp, nodes] = await Promise.all([
    allServed(cluster, 'metallb.io/IPAddressPool'),
    allServed(cluster, 'metallb.io/L2Advertisement'),
    allServed(cluster, 'metallb.io/BGPAdvertisement'),
    nodesOf(cluster),
  ])
  const ranges = pools.flatMap(rangesOf)
  if (ranges.length === 0)
    return { trouble: `no IPAddressPool has an address range (${pools.length} pools exist)`, seen: '' }
  const [address] = balancer.addresses
  const pool = poolOf(pools, { allocated: balancer.pool, address })
  if (address && !pool) {
    const named = balancer.pool ? `IPAddressPool ${balancer.pool}, which does not exist` : 'no IPAddressPool'
    return { trouble: `${address}, the address of ${service}, is of ${named}`, seen: '' }
  }
  const object = await cluster.one('v1/Service', gateway.service.name, gateway.service.namespace)
  const announcing = {
    advertisements: [...layer2, ...bgp],
    nodes: nodes.filter(({ state, labels }) => state === 'ready' && !(EXCLUDED in labels)).map(({ labels }) => labels),
  }
  const whyNot = (pool ? [pool] : pools).map((each) => notAnnounced(each, object, announcing))
  const trouble = whyNot.includes(undefined) ? undefined : whyNot.filter(Boolean).join('; ')
  return {
    trouble,
    seen: pool
      ? `${address} is of pool ${pool.metadata?.name} (${rangesOf(pool).join(', ')})`
      : `its pools have ${ranges.join(', ')}`,
  }
}
