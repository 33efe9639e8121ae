import type { KubernetesObject } from '../core/object.ts'
import { selects } from '../kube/selector.ts'
import type { Cluster } from './cluster.ts'

// DaemonSets of the CNIs that enforce NetworkPolicy. The AWS VPC CNI does only with its policy agent turned on.
const ENFORCING = /^(calico-node|cilium|antrea-agent|weave-net|kube-router|canal|kindnet)$/

/**
 * Which of `pods` no NetworkPolicy keeps closed on `port`, where the cluster's CNI is known to enforce policies; else
 * nothing. A policy guards a pod where it selects it for ingress and no rule of any policy that selects it lets the
 * port through.
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

/** Whether `policies` keep `port` (TCP) of the pod closed to other pods. */
export function guards(policies: readonly KubernetesObject[], pod: KubernetesObject, port: number): boolean {
  const selecting = policies.filter(
    (policy) =>
      policy.metadata?.namespace === pod.metadata?.namespace &&
      (policy.spec?.policyTypes ?? ['Ingress']).includes('Ingress') &&
      selects(policy.spec?.podSelector ?? {}, pod.metadata?.labels ?? {}),
  )
  const rules = selecting.flatMap((policy) => (policy.spec?.ingress ?? []) as { ports?: PolicyPort[] }[])
  const open = rules.some(({ ports }) => !ports?.length || ports.some((each) => admits(each, pod, port)))
  return selecting.length > 0 && !open
}

/** A port of a rule: a number, a range by endPort, or the name of a container's port; any port where it names none. */
interface PolicyPort {
  port?: number | string
  endPort?: number
  protocol?: string
}

function admits({ port: first, endPort, protocol = 'TCP' }: PolicyPort, pod: KubernetesObject, port: number): boolean {
  if (protocol !== 'TCP') return false
  if (first === undefined) return true
  if (typeof first === 'number') return port >= first && port <= (endPort ?? first)
  return containerPorts(pod).some(
    ({ name, containerPort, protocol = 'TCP' }) => name === first && containerPort === port && protocol === 'TCP',
  )
}

/** The ports that a pod's containers name, those of sidecars that are init containers among them. */
const containerPorts = (pod: KubernetesObject): { name?: string; containerPort: number; protocol?: string }[] =>
  [
    ...((pod.spec?.initContainers ?? []) as KubernetesObject[]),
    ...((pod.spec?.containers ?? []) as KubernetesObject[]),
  ].flatMap(({ ports }) => (ports ?? []) as { name?: string; containerPort: number; protocol?: string }[])
