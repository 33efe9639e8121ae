import { alivePods } from '../kube/pods.ts'
import { StackFailure } from '../core/problem.ts'
import { requestCountOf } from './settings.ts'
import { podsOfRevision } from './revision.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Knative } from './knative.ts'

/**
 * The requests that the queue-proxies of each revision have counted so far, by the metric of the installed version (its
 * name is given too). A deleted pod takes its count along: only for revisions whose pods stay.
 * @throws StackFailure if a pod does not export the metric
 */
export async function requestsOfQueueProxies(
  stack: Cluster & { knative: Knative },
  namespace: string,
  revisions: readonly string[],
): Promise<{ metric: string; counts: Record<string, number> }> {
  const metric = requestCountOf(await stack.knative.version())
  const counts: Record<string, number> = {}
  for (const revision of revisions) {
    counts[revision] = 0
    for (const { pod, text } of await metricsOfRevision(stack, namespace, revision)) {
      const values = [...text.matchAll(new RegExp(`^${metric}(?:\\{[^}]*\\})? ([\\d.e+]+)$`, 'gm'))]
      if (values.length === 0)
        throw new StackFailure(`Pod ${namespace}/${pod}: queue-proxy does not export ${metric} on port 9091.`)
      counts[revision] += values.reduce((total, [, value]) => total + Number(value), 0)
    }
  }
  return { metric, counts }
}

/** Whether a queue-proxy of either revision exports the metric `name`. */
export async function exportsMetric(
  stack: Cluster & { knative: Knative },
  { namespace, stable, newest }: { namespace: string; stable: string; newest: string },
  name: string,
): Promise<boolean> {
  const texts = await Promise.all([stable, newest].map((revision) => metricsOfRevision(stack, namespace, revision)))
  return texts.flat().some(({ text }) => new RegExp(`^${name}\\b`, 'm').test(text))
}

async function metricsOfRevision(
  stack: Cluster & { knative: Knative },
  namespace: string,
  revision: string,
): Promise<{ pod: string; text: string }[]> {
  const { items } = await stack.k8s.list('v1/Pod', { namespace, labels: podsOfRevision(revision) })
  const alive = alivePods(items)
  return Promise.all(
    alive.map(async ({ metadata }) => {
      const pod = metadata?.name ?? ''
      const path = `/api/v1/namespaces/${namespace}/pods/${pod}:9091/proxy/metrics`
      return { pod, text: (await stack.k8s.raw('GET', path)).body }
    }),
  )
}
