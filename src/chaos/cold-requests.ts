import { podsOfRevision } from '../knative/revision.ts'
import type { Answer } from '../traffic/http.ts'
import { type ReadyService } from '../knative/knative.ts'
import type { Stack } from '../stack/stack.ts'

/**
 * Sends requests to a revision at zero pods, and waits until they are queued in the activator: a pod exists, but has
 * not started yet.
 */
export async function coldRequests(
  stack: Stack,
  { namespace, revision, host }: ReadyService,
  count: number,
): Promise<{ settled: () => Promise<Answer[]> }> {
  const requests = Array.from({ length: count }, () => stack.ingress.send({ host, within: 'coldRequest' }))
  const all = Promise.all(requests)
  await stack.until(
    { kind: 'v1/Pod', namespace, labels: podsOfRevision(revision) },
    (pods) => (pods.some(({ metadata }) => !metadata?.deletionTimestamp) ? undefined : 'the revision has no pod yet'),
    'scale',
  )
  return { settled: () => all }
}
