import type { DeadlineName } from '../core/deadlines.ts'
import type { KubernetesObject } from '../core/object.ts'
import { StackFailure } from '../core/problem.ts'
import { until } from '../kube/until.ts'
import type { KindName } from '../kube/object-id.ts'
import type { Cluster } from './cluster.ts'

/**
 * The troubles of the cluster's objects of a kind (in one namespace, where it is given) that do not pass by themselves.
 * Where there are any, the objects are watched until there is none or the deadline has passed: a pod that was started
 * again just now, a Deployment that is being rolled out, a node that joins.
 */
export async function lastingTroubles(
  cluster: Pick<Cluster, 'all' | 'k8s'>,
  { kind, namespace }: { kind: KindName; namespace?: string },
  troublesOf: (objects: KubernetesObject[]) => string[],
  within: DeadlineName = 'settled',
): Promise<string[]> {
  const all = await cluster.all(kind)
  let troubles = troublesOf(namespace ? all.filter(({ metadata }) => metadata?.namespace === namespace) : all)
  if (troubles.length === 0) return []
  const condition = (objects: KubernetesObject[]) => {
    troubles = troublesOf(objects)
    return troubles.length ? troubles.join('; ') : undefined
  }
  try {
    await until(cluster.k8s, { kind, namespace }, condition, within)
  } catch (problem) {
    if (!(problem instanceof StackFailure)) throw problem
  }
  return troubles
}
