import { ClusterProblem } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { KNATIVE } from '../kube/kinds.ts'
import { readComponentLog, type ComponentLog } from './component-log.ts'
import { metricsOf } from './settings.ts'
import { conditionOf } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'

/** The logs of the last `seconds` of every pod of Knative's deployments; of one that has gone since the LIST there is none. */
export async function componentLogs(
  cluster: Cluster,
  deployments: readonly string[],
  seconds: number,
): Promise<ComponentLog[]> {
  const logs: ComponentLog[] = []
  // One after the other: ten minutes of all of them at once can be more than all else that a run holds.
  for (const pod of await podsOf(cluster, deployments)) {
    const { name = '', namespace = '' } = pod.metadata ?? {}
    const containers = (pod.spec?.containers ?? []) as { name: string }[]
    const container = containers.find((each) => each.name !== 'istio-proxy')?.name ?? ''
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
 * Which components export metrics under the names of a version of Knative, and what is wrong with those that do not. Of revisions a few
 * pods are looked at, `revisions` says how many: one that has gone since the LIST, scaled down say, does not count.
 */
export async function componentMetrics(
  cluster: Cluster,
  version: string,
): Promise<{ exposed: string[]; missing: string[]; revisions: number }> {
  const names = metricsOf(version)
  const ofKnative = (await podsOf(cluster, ['autoscaler', 'activator', 'controller'])).map((pod) => ({
    pod,
    component: pod.metadata?.labels?.app as keyof typeof names,
    port: 9090,
  }))
  const ofRevisions = (await cluster.all('v1/Pod'))
    .filter(
      (pod) => pod.metadata?.labels?.['serving.knative.dev/revision'] && conditionOf(pod, 'Ready')?.status === 'True',
    )
    .slice(0, 5)
    .map((pod) => ({ pod, component: 'queue-proxy' as const, port: 9091 }))
  const seen = await Promise.all(
    [...ofKnative, ...ofRevisions].map(async ({ pod, component, port }) => {
      const { name = '', namespace = '' } = pod.metadata ?? {}
      const path = `/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy/metrics`
      const text = await cluster.k8s.raw('GET', path).then(
        ({ body }) => body,
        // Who may not ask has seen nothing.
        (problem: unknown) => {
          if (problem instanceof ClusterProblem) throw problem
          return undefined
        },
      )
      if (text === undefined && !(await isThere(cluster, name, namespace))) return undefined
      if (text !== undefined && names[component].test(text)) return { component, missing: undefined }
      const what = text === undefined ? `port ${port} does not answer` : `nothing like ${names[component].source}`
      return { component, missing: `${component} (${name}): ${what}` }
    }),
  )
  const found = seen.filter((each) => each !== undefined)
  return {
    exposed: [...new Set(found.map(({ component }) => component))],
    missing: found.map(({ missing }) => missing).filter((missing) => missing !== undefined),
    revisions: found.filter(({ component }) => component === 'queue-proxy').length,
  }
}

async function isThere(cluster: Cluster, pod: string, namespace: string): Promise<boolean> {
  const now = await cluster.k8s.find('v1/Pod', pod, namespace)
  return now !== undefined && !now.metadata?.deletionTimestamp
}

async function podsOf(cluster: Cluster, deployments: readonly string[]): Promise<KubernetesObject[]> {
  return (await cluster.all('v1/Pod')).filter(
    ({ metadata, status }) =>
      metadata?.namespace === KNATIVE &&
      status?.phase === 'Running' &&
      deployments.includes(metadata.labels?.app ?? ''),
  )
}
