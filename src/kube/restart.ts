import type { Kubernetes } from './kubernetes.ts'
import { allTrue, until } from './until.ts'

/** Replaces the pods of Deployments (NAMESPACE/NAME), as `kubectl delete pod` does, and waits until the new ones are Ready. */
export async function restartPods(api: Kubernetes, deployments: readonly string[] = []): Promise<void> {
  for (const each of deployments) {
    const [namespace = '', name = ''] = each.split('/')
    const deployment = await api.get('apps/v1/Deployment', name, namespace)
    const labels = Object.entries((deployment.spec?.selector?.matchLabels ?? {}) as Record<string, string>)
      .map(([key, value]) => `${key}=${value}`)
      .join(',')
    const { items: old } = await api.list('v1/Pod', { namespace, labels })
    await Promise.all(old.map((pod) => api.delete({ kind: 'v1/Pod', namespace, name: pod.metadata?.name ?? '' })))
    const uids = new Set(old.map((pod) => pod.metadata?.uid))
    await until(
      api,
      { kind: 'v1/Pod', namespace, labels },
      (pods) => {
        const fresh = pods.filter((pod) => !uids.has(pod.metadata?.uid))
        if (pods.length > fresh.length) return 'old pods are still there'
        return fresh.length < Number(deployment.spec?.replicas) ? 'pods are missing' : allTrue('Ready')(fresh)
      },
      'componentAvailable',
    )
  }
}
