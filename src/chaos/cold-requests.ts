import { podsOfRevision } from '../knative/revision.ts'
import type { Answer } from '../traffic/http.ts'
import { type ReadyService } from '../knative/knative.ts'
import type { Stack } from '../stack/stack.ts'

/** Requests to a revision without a pod, once they wait at the activator: it has asked for a pod, which has not started yet. */
export async function coldRequests(
  stack: Stack,
  { namespace, revision, host }: ReadyService,
  count: number,
): Promise<{ settled: () => Promise<Answer[]> }> {
  const asked = Array.from({ length: count }, () => stack.ingress.send({ host, within: 'coldRequest' }))
  const all = Promise.all(asked)
  await stack.until(
    { kind: 'v1/Pod', namespace, labels: podsOfRevision(revision) },
    (pods) => (pods.some(({ metadata }) => !metadata?.deletionTimestamp) ? undefined : 'nobody has asked for a pod'),
    'scale',
  )
  return { settled: () => all }
}
