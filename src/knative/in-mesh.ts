import type { Cluster } from '../cluster/cluster.ts'
import { KNATIVE } from '../kube/kinds.ts'
import { hasSidecar } from '../mesh/mesh-pods.ts'

/**
 * The activator and autoscaler pods without a sidecar (`outside`), and all revision pods with one (`revisions`). Under
 * STRICT a revision in the mesh refuses traffic from an activator or autoscaler without a sidecar.
 */
export async function knativeInMesh(cluster: Cluster): Promise<{ outside: string[]; revisions: string[] }> {
  const pods = await cluster.all('v1/Pod')
  const knativePods = pods.filter(
    ({ metadata }) =>
      metadata?.namespace === KNATIVE && ['activator', 'autoscaler'].includes(metadata.labels?.app ?? ''),
  )
  return {
    outside: knativePods.filter((pod) => !hasSidecar(pod)).map(({ metadata }) => metadata?.name ?? ''),
    revisions: pods
      .filter((pod) => pod.metadata?.labels?.['serving.knative.dev/revision'] && hasSidecar(pod))
      .map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`),
  }
}
