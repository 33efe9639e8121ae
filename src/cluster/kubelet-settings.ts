import { ClusterProblem, NotLookedAt } from '../core/problem.ts'
import { statusOf } from '../kube/errors.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'

/** The part of a KubeletConfiguration that bounds the logs of containers. */
export interface KubeletSettings {
  containerLogMaxSize?: string
  containerLogMaxFiles?: number
}

/**
 * What the kubelet of a node runs with; undefined where the node is gone.
 * @throws NotLookedAt where we may not ask kubelets (get nodes/proxy)
 */
export async function kubeletSettings(k8s: Kubernetes, node: string): Promise<KubeletSettings | undefined> {
  try {
    return (await k8s.json<{ kubeletconfig: KubeletSettings }>(`/api/v1/nodes/${node}/proxy/configz`)).kubeletconfig
  } catch (problem) {
    const code = (statusOf(problem) ?? statusOf((problem as Error).cause))?.code
    if (code === 404) return undefined
    if (problem instanceof ClusterProblem && code === 403)
      throw new NotLookedAt(`The configuration of the kubelets could not be read. ${problem.message}`, {
        cause: problem,
      })
    throw problem
  }
}
