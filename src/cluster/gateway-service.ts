import type { KubernetesObject } from '../core/object.ts'
import { StackFailure } from '../core/problem.ts'
import { readyPods } from '../kube/pods.ts'
import { labelQuery } from '../kube/selector.ts'
import { theGateway } from '../survey/surveyed.ts'
import type { Gateway, Ref } from '../survey/survey.ts'
import type { Cluster } from './cluster.ts'

/**
 * The name of the Service in front of the gateway that carries our requests.
 * @throws StackFailure where there is no gateway
 */
export async function gatewayName(cluster: Cluster): Promise<Ref> {
  const { namespace, name } = (await theGateway(cluster)).service
  return { namespace, name }
}

/**
 * The Service in front of that gateway.
 * @throws StackFailure where it does not exist
 */
export async function gatewayService(cluster: Cluster): Promise<KubernetesObject> {
  const { namespace, name } = await gatewayName(cluster)
  return cluster.one('v1/Service', name, namespace)
}

/** Where the pods of a gateway are, and the labels by which they are told from others. */
export function gatewaySelection({ service, labels, workloads }: Gateway): { namespace: string; labels: string } {
  const own = Object.keys(labels).length ? labels : (workloads[0]?.selector ?? {})
  return { namespace: service.namespace, labels: labelQuery({ ...own }) }
}

/**
 * The pods of a gateway that are Ready now, whatever workloads they are of; of the one that carries our requests where
 * none is given.
 * @throws StackFailure where there is none
 */
export async function gatewayPods(cluster: Cluster, gateway?: Gateway): Promise<KubernetesObject[]> {
  const whose = gateway ?? (await theGateway(cluster))
  const pods = readyPods((await cluster.k8s.list('v1/Pod', gatewaySelection(whose))).items)
  const { namespace, name } = whose.service
  if (pods.length === 0) throw new StackFailure(`Service ${namespace}/${name} has no Ready pod behind it.`)
  return pods
}

/**
 * The load balancer's DNS name in the status of that Service.
 * @throws StackFailure where it has none
 */
export async function gatewayHostname(cluster: Cluster): Promise<string> {
  const { namespace, name } = await gatewayName(cluster)
  const service = await gatewayService(cluster)
  const places = (service.status?.loadBalancer?.ingress ?? []) as { hostname?: string }[]
  const hostname = places.find((place) => place.hostname)?.hostname
  if (!hostname) throw new StackFailure(`Service ${namespace}/${name} has no load balancer's hostname in its status.`)
  return hostname
}
