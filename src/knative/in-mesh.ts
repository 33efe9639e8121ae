import type { Cluster } from '../cluster/cluster.ts'
import { hasSidecar } from '../mesh/mesh-pods.ts'
import { podsOfComponent } from './component-pods.ts'

/**
 * The activator and autoscaler pods without a sidecar (`outside`), and all revision pods with one (`revisions`). Under
 * STRICT a revision in the mesh refuses traffic from an activator or autoscaler without a sidecar.
 */
export async function knativeInMesh(cluster: Cluster): Promise<{ outside: string[]; revisions: string[] }> {
  const pods = await cluster.all('v1/Pod')
  const knativePods = [
    ...(await podsOfComponent(cluster, 'activator')),
    ...(await podsOfComponent(cluster, 'autoscaler')),
  ]
  return {
    outside: knativePods.filter((pod) => !hasSidecar(pod)).map(({ metadata }) => metadata?.name ?? ''),
    revisions: pods
      .filter((pod) => pod.metadata?.labels?.['serving.knative.dev/revision'] && hasSidecar(pod))
      .map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`),
  }
}
