import type { StackConfig } from '../config/stack-schema.ts'
import { needPrograms } from '../core/programs.ts'
import { certManager } from '../install/cert-manager.ts'
import type { Component, InstallContext } from '../install/component.ts'
import { istio } from '../install/istio.ts'
import { knativeServing, netIstio } from '../install/knative.ts'
import { CONTROLLER, lbController } from '../install/lb-controller.ts'
import { workload } from '../install/workload.ts'
import { loadKubeConfig } from '../kube/connection.ts'
import { Kubernetes } from '../kube/kubernetes.ts'
import { reachEks, type EksReached } from './eks.ts'

/** What `up` installs on an EKS cluster, in this order. */
export const COMPONENTS: readonly Component[] = [lbController, certManager, istio, knativeServing, netIstio, workload]

/** The ServiceAccount of the load balancer's controller. */
export const ACCOUNT = { namespace: CONTROLLER.namespace, account: CONTROLLER.name }

/** Reaches the cluster, and does something with what an installation needs of it. */
export async function onCluster<T>(
  config: StackConfig,
  signal: AbortSignal,
  tell: (what: string) => void,
  work: (reached: EksReached, context: InstallContext) => Promise<T>,
): Promise<T> {
  await needPrograms('helm', 'istioctl')
  const reached = await reachEks(config)
  const kubeConfig = loadKubeConfig(reached.config.kubeconfig, reached.config.context)
  try {
    const api = new Kubernetes(kubeConfig)
    await api.json('/api')
    const eks = { ...reached.cluster, region: reached.aws.place.region }
    return await work(reached, {
      api,
      config: reached.config,
      context: kubeConfig.getCurrentContext(),
      eks,
      tell,
      signal,
    })
  } finally {
    await kubeConfig.close()
    reached.aws.close()
  }
}
