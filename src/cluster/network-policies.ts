import type { KubernetesObject } from '../core/object.ts'
import { selects } from '../kube/selector.ts'
import type { Cluster } from './cluster.ts'

// DaemonSets of the CNIs that enforce NetworkPolicy. The AWS VPC CNI does only with its policy agent turned on.
const ENFORCING = /^(calico-node|cilium|antrea-agent|weave-net|kube-router|canal|kindnet)$/

/**
 * Which of `pods` no NetworkPolicy keeps closed on `port`, where the cluster's CNI is known to enforce policies; else nothing.
 * A policy guards a pod where it selects it for ingress and no rule of any policy that selects it lets the port through.
 */
export async function networkPolicyTroubles(
  cluster: Cluster,
  pods: readonly KubernetesObject[],
  port: number,
): Promise<{ enforcedBy: string | undefined; troubles: string[] }> {
  const enforcedBy = (await cluster.all('apps/v1/DaemonSet')).find(
    (each) => ENFORCING.test(each.metadata?.name ?? '') || hasPolicyAgent(each),
  )?.metadata?.name
  if (!enforcedBy) return { enforcedBy, troubles: [] }
  const policies = await cluster.all('networking.k8s.io/v1/NetworkPolicy')
  return {
    enforcedBy,
    troubles: pods.filter((pod) => !guards(policies, pod, port)).map((pod) => pod.metadata?.name ?? ''),
  }
}

const hasPolicyAgent = (daemon: KubernetesObject): boolean =>
  ((daemon.spec?.template?.spec?.containers ?? []) as { args?: string[] }[]).some(({ args }) =>
    args?.includes('--enable-network-policy=true'),
  )

/** Whether `policies` keep `port` of the pod closed to other pods. */
export function guards(policies: readonly KubernetesObject[], pod: KubernetesObject, port: number): boolean {
  const selecting = policies.filter(
    (policy) =>
      policy.metadata?.namespace === pod.metadata?.namespace &&
      (policy.spec?.policyTypes ?? ['Ingress']).includes('Ingress') &&
      selects(policy.spec?.podSelector, pod.metadata?.labels ?? {}),
  )
  const rules = selecting.flatMap(
    (policy) => (policy.spec?.ingress ?? []) as { ports?: { port?: number | string; endPort?: number }[] }[],
  )
  const open = rules.some(
    ({ ports }) => !ports?.length || ports.some((each) => each.port === undefined || admits(each, port)),
  )
  return selecting.length > 0 && !open
}

const admits = ({ port: first, endPort }: { port?: number | string; endPort?: number }, port: number): boolean =>
  typeof first === 'number' && port >= first && port <= (endPort ?? first)
