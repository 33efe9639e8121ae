import { podsOfRevision } from '../knative/revision.ts'
import type { KubernetesObject } from '../core/object.ts'
import { readyEndpoints } from '../kube/endpoints.ts'
import { type ReadyService } from '../knative/knative.ts'
import type { Stack } from '../stack/stack.ts'
import { podsReady } from '../kube/until.ts'

// RFC 6761: a name under .invalid never resolves.
const NOWHERE = 'plumbline.invalid/gone:1'

/**
 * Stops the queue-proxy of one of a revision's pods: with an image that does not exist the kubelet stops the container
 * and cannot start it again. Waits until the pod's endpoint is gone, then restores the image and waits until the
 * endpoint is back.
 */
export async function stopQueueProxy(
  stack: Stack,
  { namespace, revision }: ReadyService,
): Promise<{ goneMs: number; endpoints: number }> {
  const watched = { kind: 'v1/Pod', namespace, labels: podsOfRevision(revision) }
  const slices = {
    kind: 'discovery.k8s.io/v1/EndpointSlice',
    namespace,
    labels: `kubernetes.io/service-name=${revision}-private`,
  }
  const [pod] = await stack.until(watched, podsReady(2), 'podReady')
  const { name = '' } = pod?.metadata ?? {}
  const containers = (pod?.spec?.containers ?? []) as { name: string; image: string }[]
  const withImage = (image: string | undefined) => ({
    spec: { containers: containers.map((own) => (own.name === 'queue-proxy' ? { ...own, image } : own)) },
  })
  const stoppedAt = performance.now()
  await stack.changes.tune('v1/Pod', namespace, name, withImage(NOWHERE))
  const endpointsAre = (count: number) => (objects: KubernetesObject[]) =>
    readyEndpoints(objects) === count ? undefined : `${readyEndpoints(objects)} endpoints are ready, expected ${count}`
  const without = await stack.until(slices, endpointsAre(1), 'endpointGone')
  const goneMs = performance.now() - stoppedAt
  await stack.k8s.patch(
    { kind: 'v1/Pod', name, namespace },
    withImage(containers.find((own) => own.name === 'queue-proxy')?.image),
  )
  await stack.until(slices, endpointsAre(2), 'podReady')
  return { goneMs, endpoints: readyEndpoints(without) }
}
