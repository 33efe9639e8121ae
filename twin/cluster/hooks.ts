import type { KubeObject } from '../api/object.ts'
import { Hook } from '../hook.ts'

/** The hooks of Kubernetes itself: the API server, the eviction API and the kubelets. */
export class KubernetesHooks {
  /** The issuer of ServiceAccount tokens. */
  readonly issuer = new Hook<string>()
  /** The failurePolicy of an admission webhook that does not answer. */
  readonly failurePolicy = new Hook<string | undefined>()
  /** The nodes that a pod fits on, the best first. */
  readonly placing = new Hook<readonly KubeObject[], { pod: KubeObject; nodes: readonly KubeObject[] }>()
  /** The PodDisruptionBudgets that an eviction has to respect. */
  readonly budgets = new Hook<readonly KubeObject[]>()
  readonly kubeletConfig = new Hook<{ containerLogMaxSize: string; containerLogMaxFiles: number }>()
  /** The containers of a running pod that the kubelet restarts because their image changed. */
  readonly containersToReplace = new Hook<KubeObject['spec'][]>()
}
