import { podsOfRevision } from '../knative/revision.ts'
import type { KubernetesObject } from '../core/object.ts'
import { readyEndpoints } from '../kube/endpoints.ts'
import { type ReadyService } from '../knative/knative.ts'
import type { Stack } from '../stack/stack.ts'
import { podsReady } from '../kube/until.ts'

// RFC 6761: no name of .invalid is ever there.
const NOWHERE = 'plumbline.invalid/gone:1'

/**
 * Takes the queue-proxy of one of a revision's pods away: its image becomes one that nobody has, so that the kubelet stops the container
 * and starts no other until the image is put back. Waits until the pod's endpoint is gone, then puts it back and waits for that.
 */
export async function loseQueueProxy(
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
  const imaged = (image: string | undefined) => ({
    spec: { containers: containers.map((each) => (each.name === 'queue-proxy' ? { ...each, image } : each)) },
  })
  const lost = performance.now()
  await stack.changes.tune('v1/Pod', namespace, name, imaged(NOWHERE))
  const fewer = (count: number) => (found: KubernetesObject[]) =>
    readyEndpoints(found) === count ? undefined : `${readyEndpoints(found)} endpoints are Ready`
  const without = await stack.until(slices, fewer(1), 'endpointGone')
  const goneMs = performance.now() - lost
  await stack.k8s.patch(
    { kind: 'v1/Pod', name, namespace },
    imaged(containers.find((each) => each.name === 'queue-proxy')?.image),
  )
  await stack.until(slices, fewer(2), 'podReady')
  return { goneMs, endpoints: readyEndpoints(without) }
}
