import type { KubernetesObject } from '../core/object.ts'
import { StackFailure } from '../core/problem.ts'
import { readyPods } from '../kube/pods.ts'
import { labelQuery } from '../kube/selector.ts'
import type { Cluster } from './cluster.ts'

/**
 * The Service in front of the gateway, by the name that stack.yaml has for it (gateway.namespace, gateway.service).
 * @throws StackFailure where it does not exist
 */
export function gatewayService(cluster: Cluster): Promise<KubernetesObject> {
  const { namespace, service } = cluster.config.gateway
  return cluster.one('v1/Service', service, namespace)
}

/** The labels by which that Service selects the gateway's pods; empty where it has none. */
export async function gatewaySelector(cluster: Cluster): Promise<Record<string, string>> {
  return ((await gatewayService(cluster)).spec?.selector ?? {}) as Record<string, string>
}

/**
 * The gateway's pods that are Ready now: those that its Service selects.
 * @throws StackFailure where there is none
 */
export async function gatewayPods(cluster: Cluster): Promise<KubernetesObject[]> {
  const { namespace, service } = cluster.config.gateway
  const labels = labelQuery(await gatewaySelector(cluster))
  const pods = labels ? readyPods((await cluster.k8s.list('v1/Pod', { namespace, labels })).items) : []
  if (pods.length === 0) throw new StackFailure(`Service ${namespace}/${service} selects no Ready pod.`)
  return pods
}

/**
 * The load balancer's DNS name in the status of that Service.
 * @throws StackFailure where it has none
 */
export async function gatewayHostname(cluster: Cluster): Promise<string> {
  const { namespace, service: name } = cluster.config.gateway
  const service = await gatewayService(cluster)
  const first = service.status?.loadBalancer?.ingress?.[0] as { hostname?: string } | undefined
  if (!first?.hostname)
    throw new StackFailure(`Service ${namespace}/${name} has no load balancer's hostname in its status.`)
  return first.hostname
}
