import { ClusterProblem } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { KNATIVE } from '../kube/kinds.ts'
import { readComponentLog, type ComponentLog } from './component-log.ts'
import { metricsOf } from './settings.ts'
import { conditionOf } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'

/** The logs of the last `seconds` of every pod of Knative's deployments, without pods that are gone since the LIST. */
export async function componentLogs(
  cluster: Cluster,
  deployments: readonly string[],
  seconds: number,
): Promise<ComponentLog[]> {
  const logs: ComponentLog[] = []
  // One after the other: ten minutes of all logs at once can take more memory than the rest of the run.
  for (const pod of await podsOf(cluster, deployments)) {
    const { name = '', namespace = '' } = pod.metadata ?? {}
    const containers = (pod.spec?.containers ?? []) as { name: string }[]
    const container = containers.find((container) => container.name !== 'istio-proxy')?.name ?? ''
    try {
      logs.push(
        readComponentLog(name, await cluster.k8s.log({ name, namespace, container }, { sinceSeconds: seconds })),
      )
    } catch (problem) {
      if (await isThere(cluster, name, namespace)) throw problem
    }
  }
  return logs
}

/**
 * Which components export metrics under the names of a version of Knative, and a sentence for each that does not. Up to
 * five pods of revisions are read; `revisions` is their number without pods that are gone since the LIST.
 */
export async function componentMetrics(
  cluster: Cluster,
  version: string,
): Promise<{ exposed: string[]; missing: string[]; revisions: number }> {
  const names = metricsOf(version)
  const knativePods = (await podsOf(cluster, ['autoscaler', 'activator', 'controller'])).map((pod) => ({
    pod,
    component: pod.metadata?.labels?.app as keyof typeof names,
    port: 9090,
  }))
  const revisionPods = (await cluster.all('v1/Pod'))
    .filter(
      (pod) => pod.metadata?.labels?.['serving.knative.dev/revision'] && conditionOf(pod, 'Ready')?.status === 'True',
    )
    .slice(0, 5)
    .map((pod) => ({ pod, component: 'queue-proxy' as const, port: 9091 }))
  const results = await Promise.all(
    [...knativePods, ...revisionPods].map(async ({ pod, component, port }) => {
      const { name = '', namespace = '' } = pod.metadata ?? {}
      const path = `/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy/metrics`
      const text = await cluster.k8s.raw('GET', path).then(
        ({ body }) => body,
        // A denied request says nothing about the metrics.
        (problem: unknown) => {
          if (problem instanceof ClusterProblem) throw problem
          return undefined
        },
      )
      if (text === undefined && !(await isThere(cluster, name, namespace))) return undefined
      if (text !== undefined && names[component].test(text)) return { component, missing: undefined }
      const { source } = names[component]
      const what = text === undefined ? `port ${port} does not answer` : `no metric on port ${port} matches ${source}`
      return { component, missing: `${component} (pod ${namespace}/${name}): ${what}` }
    }),
  )
  const present = results.filter((result) => result !== undefined)
  return {
    exposed: [...new Set(present.map(({ component }) => component))],
    missing: present.map(({ missing }) => missing).filter((missing) => missing !== undefined),
    revisions: present.filter(({ component }) => component === 'queue-proxy').length,
  }
}

async function isThere(cluster: Cluster, pod: string, namespace: string): Promise<boolean> {
  const current = await cluster.k8s.find('v1/Pod', pod, namespace)
  return current !== undefined && !current.metadata?.deletionTimestamp
}

async function podsOf(cluster: Cluster, deployments: readonly string[]): Promise<KubernetesObject[]> {
  return (await cluster.all('v1/Pod')).filter(
    ({ metadata, status }) =>
      metadata?.namespace === KNATIVE &&
      status?.phase === 'Running' &&
      deployments.includes(metadata.labels?.app ?? ''),
  )
}
