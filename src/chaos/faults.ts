import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { objectName, type ObjectId } from '../kube/kubernetes.ts'
import { isRolledOut } from '../kube/pods.ts'
import type { Stack } from '../stack/stack.ts'
import { conditionOf, podsReady } from '../kube/until.ts'

// One second is what a kubelet gives at least. With 0 the object alone would go, and a process that was ending already go on to its end.
const KILLED = { graceSeconds: 1 }
const DEPLOYMENT = 'apps/v1/Deployment'

/** A Deployment by NAMESPACE/NAME. */
export function deploymentId(name: string): ObjectId {
  const [namespace = '', own = ''] = name.split('/')
  return { kind: DEPLOYMENT, namespace, name: own }
}

/** The label selector of a Deployment's pods. */
export function podSelector(deployment: KubernetesObject): string {
  const labels = Object.entries((deployment.spec?.selector?.matchLabels ?? {}) as Record<string, string>)
  return labels.map(([key, value]) => `${key}=${value}`).join(',')
}

/** A Deployment's pods that are Ready and stay, read now. */
export async function readyPodsOf(stack: Stack, deployment: string): Promise<KubernetesObject[]> {
  const { kind, name, namespace } = deploymentId(deployment)
  const labels = podSelector(await stack.k8s.get(kind, name, namespace))
  const { items } = await stack.k8s.list('v1/Pod', { namespace, labels })
  return items.filter((pod) => !pod.metadata?.deletionTimestamp && conditionOf(pod, 'Ready')?.status === 'True')
}

/** Kills one pod of a Deployment without grace. The journal has the Deployment first, which makes another by itself. */
export async function killPod(stack: Stack, deployment: string, pod: KubernetesObject): Promise<void> {
  stack.changes.willDisturb(deploymentId(deployment))
  await stack.k8s.delete(podId(pod), KILLED)
}

/** Kills all pods of a Deployment without grace, at once, and waits until it has made as many again. */
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
 * Takes all pods of a Deployment away without grace, and keeps it from making others: an outage that is as long as what is looked at
 * takes. It ends by `back`, or with the check.
 */
export async function takeAway(stack: Stack, deployment: string): Promise<{ back: () => Promise<void> }> {
  const id = deploymentId(deployment)
  const { kind, name, namespace } = id
  const before = await stack.k8s.get(kind, name, namespace)
  const replicas = Number(before.spec?.replicas ?? 0)
  if (replicas === 0)
    throw new StackFailure(`${objectName(before)} has no pod that could be taken away: it asks for 0 replicas.`)
  const labels = podSelector(before)
  const kill = async () => {
    const { items } = await stack.k8s.list('v1/Pod', { namespace, labels })
    await Promise.all(items.map((pod) => stack.k8s.delete(podId(pod), KILLED)))
  }
  stack.changes.willDisturb(id)
  // The pods go first: a kubelet that has begun to end one with the grace of its own (45 s of Knative's webhooks) does not hurry for a
  // shorter one. Those that are made in their place until nobody wants any have hardly begun.
  await kill()
  await stack.changes.tune(kind, namespace, name, { spec: { replicas: 0 } })
  await kill()
  await stack.until(
    { kind: 'v1/Pod', namespace, labels },
    (left) => (left.length ? `${left.length} pods are there` : undefined),
    'scale',
  )
  return {
    async back() {
      await stack.k8s.patch(id, { spec: { replicas } })
      await stack.until({ kind, name, namespace }, isRolledOut, 'componentAvailable')
      stack.forgetLists()
    },
  }
}

/** Replaces a Deployment's pods one after the other, as `kubectl rollout restart` does, and waits until the last old one is gone. */
export async function rollOver(stack: Stack, deployment: string, at = new Date()): Promise<void> {
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
      return left ? `${left} old pods are there` : undefined
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
