import { podsOf, noneLeftOf, rollOver } from '../cluster/restart.ts'
import type { KubernetesObject } from '../core/object.ts'
import { DoesNotApply, StackFailure } from '../core/problem.ts'
import type { ObjectId } from '../kube/object-id.ts'
import { readyPods } from '../kube/pods.ts'
import { isRolledOut } from '../kube/rolled-out.ts'
import { podsReady } from '../kube/until.ts'
import type { Stack } from '../stack/stack.ts'
import { describeOwner } from '../survey/owner.ts'
import type { Workload } from '../survey/survey.ts'
import { nameOfWorkload, workloadId } from '../survey/workload-id.ts'
import { counted } from '../core/counted.ts'

// One second is the least that a kubelet gives. With 0 only the object is deleted, and a process that is already
// stopping runs on to its end.
const KILLED = { graceSeconds: 1 }

/** A workload's pods that are Ready and not terminating, read now. */
export async function readyPodsOf(stack: Stack, workload: Workload): Promise<KubernetesObject[]> {
  const { items } = await stack.k8s.list('v1/Pod', await podsOf(stack.k8s, workloadId(workload)))
  return readyPods(items)
}

/** Kills one pod of a workload without grace; the workload replaces it. The journal gets the workload first. */
export async function killPod(stack: Stack, workload: Workload, pod: KubernetesObject): Promise<void> {
  stack.changes.willDisturb(workloadId(workload))
  await stack.k8s.delete(podId(pod), KILLED)
}

/** Kills all pods of a workload at once without grace, and waits until it has as many Ready pods again. */
export async function killAll(stack: Stack, workload: Workload): Promise<void> {
  const id = workloadId(workload)
  const selected = await podsOf(stack.k8s, id)
  const { items } = await stack.k8s.list('v1/Pod', selected)
  const uids = new Set(items.map((pod) => pod.metadata?.uid))
  stack.changes.willDisturb(id)
  await Promise.all(items.map((pod) => stack.k8s.delete(podId(pod), KILLED)))
  // The workload's status tells of the old ones for a moment.
  await stack.until(
    { kind: 'v1/Pod', ...selected },
    (pods) => podsReady(readyPods(items).length)(pods.filter((pod) => !uids.has(pod.metadata?.uid))),
    'componentAvailable',
  )
  stack.forgetLists()
}

/**
 * Removes all pods of a Deployment without grace, and scales it to 0: an outage that lasts until `restore`, or until
 * the check ends.
 * @throws DoesNotApply where it cannot be scaled, or somebody would scale it up again
 */
export async function removePods(stack: Stack, workload: Workload): Promise<{ restore: () => Promise<void> }> {
  const id = workloadId(workload)
  const { kind, name, namespace } = id
  failUnlessScalable(workload)
  const replicas = Number((await stack.k8s.get(kind, name, namespace)).spec?.replicas ?? 1)
  if (replicas === 0)
    throw new StackFailure(
      `${nameOfWorkload(workload)}: spec.replicas is 0, at least 1 is expected to remove its pods.`,
    )
  const selected = await podsOf(stack.k8s, id)
  const kill = async () => {
    const { items } = await stack.k8s.list('v1/Pod', selected)
    await Promise.all(items.map((pod) => stack.k8s.delete(podId(pod), KILLED)))
  }
  stack.changes.willDisturb(id)
  // Kill the pods before scaling to 0: a kubelet that has begun to stop a pod with its own grace period (45 s for
  // Knative's webhooks) does not hurry for a shorter one. Their replacements have hardly started by then.
  await kill()
  await stack.changes.tune(kind, namespace, name, { spec: { replicas: 0 } })
  await kill()
  await stack.until(
    { kind: 'v1/Pod', ...selected },
    (left) => (left.length ? `${counted(left.length, 'pod is', 'pods are')} left` : undefined),
    'scale',
  )
  return {
    async restore() {
      await stack.k8s.patch(id, { spec: { replicas } })
      await stack.until(id, isRolledOut, 'componentAvailable')
      stack.forgetLists()
    },
  }
}

/** @throws DoesNotApply where scaling a workload to 0 would not last, or is not possible */
function failUnlessScalable(workload: Workload): void {
  const { kind, owner } = workload
  if (kind === 'DaemonSet')
    throw new DoesNotApply(
      `${nameOfWorkload(workload)}: a DaemonSet cannot be scaled to 0; its pods come back at once.`,
    )
  if (owner?.reverts)
    throw new DoesNotApply(
      `${nameOfWorkload(workload)} is kept by ${describeOwner(owner)}, which would scale it up again.`,
    )
}

/**
 * Restarts a workload's pods by its own strategy, like `kubectl rollout restart`, and waits until the last old one is
 * gone.
 * @throws DoesNotApply for a DaemonSet that replaces a pod only once somebody deletes it
 */
export async function restartByStrategy(stack: Stack, workload: Workload, at = new Date()): Promise<void> {
  const id = workloadId(workload)
  const { spec } = await stack.k8s.get(id.kind, id.name, id.namespace)
  if (spec?.updateStrategy?.type === 'OnDelete')
    throw new DoesNotApply(
      `${nameOfWorkload(workload)} has updateStrategy OnDelete: it has no rolling restart of its own.`,
    )
  const selected = await podsOf(stack.k8s, id)
  const { items: old } = await stack.k8s.list('v1/Pod', selected)
  stack.changes.willDisturb(id)
  await rollOver(stack.k8s, id, at)
  await stack.until({ kind: 'v1/Pod', ...selected }, noneLeftOf(old), 'podsDrained')
  stack.forgetLists()
}

const podId = ({ metadata }: KubernetesObject): ObjectId => ({
  kind: 'v1/Pod',
  name: metadata?.name ?? '',
  namespace: metadata?.namespace,
})
