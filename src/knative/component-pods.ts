import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { alivePods } from '../kube/pods.ts'
import { selectedByService } from '../kube/selector.ts'
import type { Workload } from '../survey/survey.ts'
import { theKnative } from '../survey/surveyed.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { requiredComponents } from './settings.ts'

/**
 * The Deployment of one of Knative's components.
 * @throws StackFailure where Knative has none
 */
export async function componentOf(cluster: Cluster, component: string): Promise<Workload> {
  const { components, namespace } = await theKnative(cluster)
  const workload = components[component]
  if (!workload) throw new StackFailure(`Knative's component ${component} has no Deployment in namespace ${namespace}.`)
  return workload
}

/** The Deployments that this Knative must have, by component: its own, and those of net-istio. */
export async function requiredWorkloads(cluster: Cluster, version: string): Promise<[string, Workload][]> {
  const names = requiredComponents(version)
  return Promise.all(names.map(async (name) => [name, await componentOf(cluster, name)] as [string, Workload]))
}

/** The pods of one of Knative's components that count, no leftovers. */
export async function podsOfComponent(cluster: Cluster, component: string): Promise<KubernetesObject[]> {
  const workload = await componentOf(cluster, component)
  return alivePods(await cluster.all('v1/Pod', workload.namespace)).filter(isOf(workload))
}

/** Whether a pod is one of a workload's, by its selector. */
export const isOf =
  ({ namespace, selector }: Workload) =>
  ({ metadata }: KubernetesObject): boolean =>
    metadata?.namespace === namespace && selectedByService(selector, metadata.labels ?? {})
