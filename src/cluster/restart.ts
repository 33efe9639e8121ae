import type { KubernetesObject } from '../core/object.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { alivePods } from '../kube/pods.ts'
import { labelQuery } from '../kube/selector.ts'
import { podsReady, until } from '../kube/until.ts'

/**
 * Replaces the pods of Deployments (NAMESPACE/NAME) one after the other: the next one is deleted only once as many are
 * Ready again as the Deployment asks for. Then waits until the last old one is gone.
 * @throws StackFailure where a Deployment does not exist, or a successor is not Ready in time
 */
export async function restartPods(api: Kubernetes, deployments: readonly string[] = []): Promise<void> {
  for (const deployment of deployments) {
    const [namespace = '', name = ''] = deployment.split('/')
    const { spec } = await api.get('apps/v1/Deployment', name, namespace)
    const labels = labelQuery((spec?.selector?.matchLabels ?? {}) as Record<string, string>)
    const watched = { kind: 'v1/Pod', namespace, labels }
    const { items } = await api.list('v1/Pod', { namespace, labels })
    const old = alivePods(items)
    const replaced = new Set<string>()
    const isOld = ({ metadata }: KubernetesObject) => replaced.has(metadata?.uid ?? '')
    for (const { metadata } of old) {
      replaced.add(metadata?.uid ?? '')
      await api.delete({ kind: 'v1/Pod', namespace, name: metadata?.name ?? '' })
      const succeeded = podsReady(Number(spec?.replicas ?? 1))
      await until(api, watched, (pods) => succeeded(pods.filter((pod) => !isOld(pod))), 'componentAvailable')
    }
    await until(
      api,
      watched,
      (pods) => (pods.some(isOld) ? `${pods.filter(isOld).length} old pods have not ended` : undefined),
      'componentAvailable',
    )
  }
}
