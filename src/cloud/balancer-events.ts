import type { Cluster } from '../cluster/cluster.ts'
import type { KubernetesObject } from '../core/object.ts'

/** What the events of the last hour say of a Service's load balancer. */
export interface BalancerEvents {
  /** The last event about the load balancer itself. */
  last?: KubernetesObject
  /** When an event last said that it was made or is well, in milliseconds. */
  goodAt?: number
}

/** What controllers say of a load balancer that is as it is asked for: AWS's, MetalLB's, Kubernetes' own. */
const GOOD =
  /^(SuccessfullyReconciled|IPAllocated|nodeAssigned|EnsuredLoadBalancer|UpdatedLoadBalancer|AppliedDaemonSet)$/
/** All that tells how the load balancer itself is; which node announces it does not. */
const ABOUT =
  /Reconciled$|^Failed(Build|Deploy|Add|Cleanup)|^IPAllocated$|^AllocationFailed$|^(Ensured|Updated|SyncLoadBalancerFailed)/

/** When an event was last told, in milliseconds. */
const timeOf = ({ lastTimestamp, eventTime, metadata }: KubernetesObject): number =>
  Date.parse(String(lastTimestamp ?? eventTime ?? metadata?.creationTimestamp ?? ''))

/** Reads the events of a Service: an old success may stand beside a later failure, so the last one counts. */
export function readBalancerEvents(events: readonly KubernetesObject[]): BalancerEvents {
  const sorted = events.toSorted((a, b) => timeOf(a) - timeOf(b))
  const last = sorted.findLast(({ reason }) => ABOUT.test(String(reason)))
  const good = sorted.findLast(({ reason }) => GOOD.test(String(reason)))
  return { ...(last ? { last } : {}), ...(good ? { goodAt: timeOf(good) } : {}) }
}

/** The events of a Service as it is now, not of an earlier one of its name. */
export async function eventsOfService(cluster: Cluster, service: KubernetesObject): Promise<KubernetesObject[]> {
  const { name = '', namespace, uid } = service.metadata ?? {}
  const fields = `involvedObject.kind=Service,involvedObject.name=${name}`
  const { items } = await cluster.k8s.list('v1/Event', { namespace, fields })
  return items.filter(({ involvedObject }) => !involvedObject?.uid || involvedObject.uid === uid)
}
