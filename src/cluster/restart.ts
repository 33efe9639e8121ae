import { eventually } from '../core/eventually.ts'
import type { KubernetesObject } from '../core/object.ts'
import { StackFailure } from '../core/problem.ts'
import { statusOf } from '../kube/errors.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { nameOfId, type ObjectId } from '../kube/object-id.ts'
import { alivePods } from '../kube/pods.ts'
import { isRolledOut } from '../kube/rolled-out.ts'
import { labelQuery } from '../kube/selector.ts'
import { until } from '../kube/until.ts'

const TOO_MANY = 429

/**
 * Replaces the pods of workloads one after the other, so that whoever uses them notices nothing: a workload of several
 * pods by evictions, the next one only once all are Ready again; one of a single pod by a rolling update, which starts
 * its successor first. Then waits until the last old pod is gone.
 * @throws StackFailure where a workload does not exist, or a successor is not Ready in time
 */
export async function restartPods(api: Kubernetes, workloads: readonly ObjectId[] = []): Promise<void> {
  for (const id of workloads) {
    const { namespace, labels } = await podsOf(api, id)
    const old = alivePods((await api.list('v1/Pod', { namespace, labels })).items)
    if (old.length === 1) await rollOver(api, id)
    else
      for (const pod of old) {
        await evictAllowed(api, pod)
        await until(api, { kind: 'v1/Pod', namespace, labels }, noneLeftOf([pod]), 'podsDrained')
        await until(api, id, isRolledOut, 'componentAvailable')
      }
    await until(api, { kind: 'v1/Pod', namespace, labels }, noneLeftOf(old), 'podsDrained')
  }
}

/**
 * Has a workload replace its pods by its own strategy, as `kubectl rollout restart` does, and waits until it has.
 * @throws StackFailure where it has not in time
 */
export async function rollOver(api: Kubernetes, id: ObjectId, at = new Date()): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': at.toISOString() }
  await api.patch(id, { spec: { template: { metadata: { annotations } } } })
  await until(api, id, isRolledOut, 'componentAvailable')
}

/** The namespace and the label selector of a workload's pods. */
export async function podsOf(api: Kubernetes, id: ObjectId): Promise<{ namespace: string; labels: string }> {
  const { spec } = await api.get(id.kind, id.name, id.namespace)
  const labels = labelQuery((spec?.selector?.matchLabels ?? {}) as Record<string, string>)
  // An empty selector would mean every pod of the namespace.
  if (!labels) throw new StackFailure(`${nameOfId(id)}: spec.selector has no matchLabels; its pods are not touched.`)
  return { namespace: id.namespace ?? '', labels }
}

/** The condition that none of these pods is left. */
export const noneLeftOf =
  (pods: readonly KubernetesObject[]) =>
  (left: readonly KubernetesObject[]): string | undefined => {
    const uids = new Set(pods.map(({ metadata }) => metadata?.uid))
    const old = left.filter(({ metadata }) => uids.has(metadata?.uid)).length
    return old ? `${old} old pods are left` : undefined
  }

/** Evicts a pod, again and again while its budget refuses; gives how often it did. */
export async function evictAllowed(api: Kubernetes, { metadata }: KubernetesObject): Promise<number> {
  const { name = '', namespace = '' } = metadata ?? {}
  let refused = 0
  await eventually(
    `eviction of pod ${namespace}/${name}`,
    async () => {
      try {
        await api.evict(name, namespace)
        return undefined
      } catch (problem) {
        const status = statusOf(problem)
        // Gone already: its owner scaled down.
        if (status?.code === 404) return undefined
        if (status?.code !== TOO_MANY) throw problem
        refused++
        return [status.message, ...(status.details?.causes ?? []).map(({ message }) => message)].join(' ')
      }
    },
    'evicted',
  )
  return refused
}
