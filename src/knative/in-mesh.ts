import type { Cluster } from '../cluster/cluster.ts'
import { KNATIVE } from '../kube/kinds.ts'
import { hasSidecar } from '../mesh/mesh-pods.ts'

/**
 * Who of Knative is in the mesh: its activator and autoscaler, and the revisions of anybody. STRICT refuses what the first two send to a
 * revision in the mesh where they have no sidecar themselves.
 */
export async function knativeInMesh(cluster: Cluster): Promise<{ outside: string[]; revisions: string[] }> {
  const pods = await cluster.all('v1/Pod')
  const own = pods.filter(
    ({ metadata }) =>
      metadata?.namespace === KNATIVE && ['activator', 'autoscaler'].includes(metadata.labels?.app ?? ''),
  )
  return {
    outside: own.filter((pod) => !hasSidecar(pod)).map(({ metadata }) => metadata?.name ?? ''),
    revisions: pods
      .filter((pod) => pod.metadata?.labels?.['serving.knative.dev/revision'] && hasSidecar(pod))
      .map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`),
  }
}
