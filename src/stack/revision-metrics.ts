import { StackFailure } from '../check/problem.ts'
import { requestCountOf } from './knative-settings.ts'
import { podsOfRevision } from './knative.ts'
import type { Stack } from './stack.ts'

/**
 * The requests that the queue-proxies of each revision have counted so far, by the metric of the installed version (its name is given).
 * A pod that has gone took its count along: for revisions whose number of pods stays as it is.
 * @throws StackFailure where a pod does not export it
 */
export async function requestsOfQueueProxies(
  stack: Stack,
  namespace: string,
  revisions: readonly string[],
): Promise<{ metric: string; counts: Record<string, number> }> {
  const metric = requestCountOf(await stack.knative.version())
  const counts: Record<string, number> = {}
  for (const revision of revisions) {
    const { items } = await stack.k8s.list('v1/Pod', { namespace, labels: podsOfRevision(revision) })
    let sum = 0
    for (const { metadata } of items.filter((pod) => !pod.metadata?.deletionTimestamp)) {
      const path = `/api/v1/namespaces/${namespace}/pods/${metadata?.name}:9091/proxy/metrics`
      const { body } = await stack.k8s.raw('GET', path)
      const found = [...body.matchAll(new RegExp(`^${metric}(?:\\{[^}]*\\})? ([\\d.e+]+)$`, 'gm'))]
      if (found.length === 0)
        throw new StackFailure(`Pod ${namespace}/${metadata?.name} exports no ${metric} on port 9091.`)
      sum += found.reduce((total, [, value]) => total + Number(value), 0)
    }
    counts[revision] = sum
  }
  return { metric, counts }
}
