import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { objectName, type ObjectId } from '../kube/object-id.ts'
import { isRolledOut } from '../kube/pods.ts'
import type { Stack } from '../stack/stack.ts'
import { conditionOf, podsReady } from '../kube/until.ts'

// One second is the least that a kubelet gives. With 0 only the object is deleted, and a process that is already
// stopping runs on to its end.
const KILLED = { graceSeconds: 1 }
const DEPLOYMENT = 'apps/v1/Deployment'

/** A Deployment by NAMESPACE/NAME. */
export function deploymentId(name: string): ObjectId {
  const [namespace = '', deployment = ''] = name.split('/')
  return { kind: DEPLOYMENT, namespace, name: deployment }
}

/** The label selector of a Deployment's pods. */
export function podSelector(deployment: KubernetesObject): string {
  const labels = Object.entries((deployment.spec?.selector?.matchLabels ?? {}) as Record<string, string>)
  return labels.map(([key, value]) => `${key}=${value}`).join(',')
}

/** A Deployment's pods that are Ready and not terminating, read now. */
export async function readyPodsOf(stack: Stack, deployment: string): Promise<KubernetesObject[]> {
  const { kind, name, namespace } = deploymentId(deployment)
  const labels = podSelector(await stack.k8s.get(kind, name, namespace))
  const { items } = await stack.k8s.list('v1/Pod', { namespace, labels })
  return items.filter((pod) => !pod.metadata?.deletionTimestamp && conditionOf(pod, 'Ready')?.status === 'True')
}

/** Kills one pod of a Deployment without grace; the Deployment replaces it. The journal gets the Deployment first. */
export async function killPod(stack: Stack, deployment: string, pod: KubernetesObject): Promise<void> {
  stack.changes.willDisturb(deploymentId(deployment))
  await stack.k8s.delete(podId(pod), KILLED)
}

/** Kills all pods of a Deployment at once without grace, and waits until it has as many Ready pods again. */
export async function killAll(stack: Stack, deployment: string): Promise<void> {
  const id = deploymentId(deployment)
  const { kind, name, namespace } = id
  const labels = podSelector(await stack.k8s.get(kind, name, namespace))
  const { items } = await stack.k8s.list('v1/Pod', { namespace, labels })
  const uids = new Set(items.map((pod) => pod.metadata?.uid))
  stack.changes.willDisturb(id)
  await Promise.all(items.map((pod) => stack.k8s.delete(podId(pod), KILLED)))
  // The Deployment's status tells of the old ones for a moment.
  await stack.until(
    { kind: 'v1/Pod', namespace, labels },
    (pods) => podsReady(items.length)(pods.filter((pod) => !uids.has(pod.metadata?.uid))),
    'componentAvailable',
  )
  stack.forgetLists()
}

/**
 * Removes all pods of a Deployment without grace, and scales it to 0: an outage that lasts until `restore`, or until
 * the check ends.
 */
export async function removePods(stack: Stack, deployment: string): Promise<{ restore: () => Promise<void> }> {
  const id = deploymentId(deployment)
  const { kind, name, namespace } = id
  const before = await stack.k8s.get(kind, name, namespace)
  const replicas = Number(before.spec?.replicas ?? 0)
  if (replicas === 0)
    throw new StackFailure(`${objectName(before)}: spec.replicas is 0, at least 1 is expected to remove its pods.`)
  const labels = podSelector(before)
  const kill = async () => {
    const { items } = await stack.k8s.list('v1/Pod', { namespace, labels })
    await Promise.all(items.map((pod) => stack.k8s.delete(podId(pod), KILLED)))
  }
  stack.changes.willDisturb(id)
  // Kill the pods before scaling to 0: a kubelet that has begun to stop a pod with its own grace period (45 s for
  // Knative's webhooks) does not hurry for a shorter one. Their replacements have hardly started by then.
  await kill()
  await stack.changes.tune(kind, namespace, name, { spec: { replicas: 0 } })
  await kill()
  await stack.until(
    { kind: 'v1/Pod', namespace, labels },
    (left) => (left.length ? `${left.length} pods are left` : undefined),
    'scale',
  )
  return {
    async restore() {
      await stack.k8s.patch(id, { spec: { replicas } })
      await stack.until({ kind, name, namespace }, isRolledOut, 'componentAvailable')
      stack.forgetLists()
    },
  }
}

/**
 * Restarts a Deployment's pods one after the other, like `kubectl rollout restart`, and waits until the last old one is
 * gone.
 */
export async function restartPods(stack: Stack, deployment: string, at = new Date()): Promise<void> {
  const id = deploymentId(deployment)
  const { kind, name, namespace } = id
  const labels = podSelector(await stack.k8s.get(kind, name, namespace))
  const { items: old } = await stack.k8s.list('v1/Pod', { namespace, labels })
  const uids = new Set(old.map((pod) => pod.metadata?.uid))
  stack.changes.willDisturb(id)
  const annotations = { 'kubectl.kubernetes.io/restartedAt': at.toISOString() }
  await stack.k8s.patch(id, { spec: { template: { metadata: { annotations } } } })
  await stack.until({ kind, name, namespace }, isRolledOut, 'componentAvailable')
  await stack.until(
    { kind: 'v1/Pod', namespace, labels },
    (pods) => {
      const left = pods.filter((pod) => uids.has(pod.metadata?.uid)).length
      return left ? `${left} old pods are left` : undefined
    },
    'podsDrained',
  )
  stack.forgetLists()
}

const podId = ({ metadata }: KubernetesObject): ObjectId => ({
  kind: 'v1/Pod',
  name: metadata?.name ?? '',
  namespace: metadata?.namespace,
})
