import type { ComponentDefects } from '../hook.ts'
import type { KubernetesHooks } from './hooks.ts'

export const KUBERNETES_DEFECTS = {
  // The issuer of the API server is not an https URL.
  'api-server-without-issuer': ({ issuer }, defect) => issuer.alter(defect, () => 'plumbline'),

  // Kubelets never rotate logs.
  'unbounded-logs': ({ kubeletConfig }, defect) =>
    kubeletConfig.alter(defect, (config) => ({ ...config, containerLogMaxSize: '-1' })),

  // Evictions ignore PodDisruptionBudgets.
  'budgets-ignored': ({ budgets }, defect) => budgets.alter(defect, () => []),

  // The scheduler ignores topologySpreadConstraints: pods that have some all go to the first node without taints.
  'spread-ignored': ({ placing }, defect) =>
    placing.alter(defect, (fitting, { pod, nodes }) =>
      pod.spec.topologySpreadConstraints?.length
        ? nodes.filter(({ spec }) => !spec?.unschedulable && !spec?.taints?.length)
        : fitting,
    ),

  // A container whose image changed keeps running with the old image.
  'images-not-exchanged': ({ containersToReplace }, defect) => containersToReplace.alter(defect, () => []),

  // The API server accepts requests when the webhook does not answer, whatever its failurePolicy.
  'admission-fails-open': ({ failurePolicy }, defect) => failurePolicy.alter(defect, () => 'Ignore'),
} satisfies ComponentDefects<KubernetesHooks>
