import { workersOf } from '../kube/nodes.ts'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { statusOf } from '../kube/errors.ts'
import { readinessTroubles, isRolledOut } from '../kube/pods.ts'
import type { Stack } from '../stack/stack.ts'
import { conditionOf } from '../kube/until.ts'
import { INSTRUMENT_LABEL } from '../traffic/agent-protocol.ts'
import { BUDGET, budgetsOver, neverAllows } from './disruption-budgets.ts'
import { deploymentId } from './faults.ts'
import { gatewayName } from '../cluster/gateway-service.ts'

const TOO_MANY = 429

/** The result of a drain. */
export interface Drained {
  nodes: string[]
  evicted: number
  /** Evictions that a budget refused at first. */
  refused: number
  seconds: number
}

/**
 * The workers that serve, by name: those with a pod of the gateway, of the activator or of a revision.
 * @throws StackFailure if there are too few workers to drain one
 */
export async function servingNodes(stack: Stack): Promise<KubernetesObject[]> {
  const { items: nodes } = await stack.k8s.list('v1/Node')
  const workers = workersOf(nodes)
  if (workers.length < 2) {
    throw new StackFailure(
      `${workers.length} of ${nodes.length} nodes are schedulable; a drain needs at least 2. ` +
        'Add workers, or uncordon the cordoned ones.',
    )
  }
  const { items: pods } = await stack.k8s.list('v1/Pod')
  const { name, namespace } = await gatewayName(stack)
  const { spec } = await stack.one('v1/Service', name, namespace)
  const gateway = Object.entries((spec?.selector ?? {}) as Record<string, string>)
  const serves = ({ metadata }: KubernetesObject) =>
    metadata?.labels?.['serving.knative.dev/revision'] !== undefined ||
    (metadata?.namespace === 'knative-serving' && metadata.labels?.app === 'activator') ||
    gateway.every(([key, value]) => metadata?.labels?.[key] === value)
  return workers
    .filter(({ metadata }) => pods.some((pod) => pod.spec?.nodeName === metadata?.name && serves(pod)))
    .toSorted((a, b) => String(a.metadata?.name).localeCompare(String(b.metadata?.name)))
}

/**
 * Drains nodes together, like `kubectl drain`: cordons them (journaled, undone when the check ends), evicts every pod
 * except those of DaemonSets by the eviction API, retries while a budget refuses, and waits until all Deployments that
 * lost a pod are complete again. It does not wait for pods that are terminating. Then it uncordons the nodes.
 * @throws StackFailure naming the budget that never allows a disruption, the pod without an owner, or the missing
 * resource
 */
export async function drain(stack: Stack, nodes: readonly KubernetesObject[]): Promise<Drained> {
  const started = performance.now()
  const names = nodes.map(({ metadata }) => metadata?.name ?? '')
  const { items: pods } = await stack.k8s.list('v1/Pod')
  const leaving = pods.filter((pod) => names.includes(String(pod.spec?.nodeName)) && isEvictable(pod))
  const alone = leaving.find(({ metadata }) => !metadata?.ownerReferences?.length)
  if (alone) {
    throw new StackFailure(
      `Pod ${alone.metadata?.namespace}/${alone.metadata?.name} on node ${alone.spec?.nodeName} has no owner: ` +
        'a drain would delete it permanently. Run it with a Deployment, or delete it.',
    )
  }
  await failIfForbidden(stack, leaving)
  const { items: deployments } = await stack.k8s.list('apps/v1/Deployment')
  const disturbed = deployments.filter((deployment) => leaving.some((pod) => isPodOf(pod, deployment)))
  for (const { metadata } of disturbed)
    stack.changes.willDisturb(deploymentId(`${metadata?.namespace}/${metadata?.name}`))
  for (const name of names) await stack.changes.tune('v1/Node', undefined, name, { spec: { unschedulable: true } })
  const refusals = await Promise.all(leaving.map((pod) => evict(stack, pod)))
  await untilRolledOut(stack, disturbed)
  for (const name of names) {
    await stack.k8s.patch({ kind: 'v1/Node', name }, { spec: { unschedulable: null } })
    await stack.until({ kind: 'v1/Node', name }, isBack, 'nodeBack')
  }
  stack.forgetLists()
  return {
    nodes: names,
    evicted: leaving.length,
    refused: refusals.reduce((sum, count) => sum + count, 0),
    seconds: (performance.now() - started) / 1000,
  }
}

/**
 * Whether a drain evicts a pod: not those of DaemonSets and static pods, not completed ones, not our own bare pods, and
 * not the agent and the load generators, which measure the drain.
 */
export function isEvictable({ metadata, status }: KubernetesObject): boolean {
  if (metadata?.deletionTimestamp || status?.phase === 'Succeeded' || status?.phase === 'Failed') return false
  if (metadata?.labels?.[INSTRUMENT_LABEL]) return false
  const owners = metadata?.ownerReferences ?? []
  if (owners.some(({ kind }) => kind === 'DaemonSet' || kind === 'Node')) return false
  return owners.length > 0 || !metadata?.namespace?.startsWith('plumb-')
}

/** ReplicaSets are named after their Deployment, with a hash: that saves a LIST of them all. */
const isPodOf = (pod: KubernetesObject, { metadata }: KubernetesObject): boolean =>
  pod.metadata?.namespace === metadata?.namespace &&
  (pod.metadata?.ownerReferences ?? []).some(
    ({ kind, name }) => kind === 'ReplicaSet' && name.replace(/-[^-]+$/, '') === metadata?.name,
  )

async function failIfForbidden(stack: Stack, pods: readonly KubernetesObject[]): Promise<void> {
  const { items: budgets } = await stack.k8s.list(BUDGET)
  for (const { metadata } of pods) {
    const over = budgetsOver(budgets, { namespace: metadata?.namespace, labels: metadata?.labels ?? {} })
    for (const budget of over) {
      const never = neverAllows(budget)
      if (never)
        throw new StackFailure(`${never}, so pod ${metadata?.name} cannot be evicted and its node cannot be drained.`)
    }
  }
}

/** Evicts a pod, retrying while its budget refuses; gives the number of refusals. */
export async function evict(stack: Stack, { metadata }: KubernetesObject): Promise<number> {
  const { name = '', namespace = '' } = metadata ?? {}
  let refused = 0
  const evicted = stack.eventually(
    `eviction of pod ${namespace}/${name}`,
    async () => {
      try {
        await stack.k8s.evict(name, namespace)
        return undefined
      } catch (problem) {
        const status = statusOf(problem)
        // Gone already: its owner scaled down.
        if (status?.code === 404) return undefined
        if (status?.code !== TOO_MANY) throw problem
        refused++
        return [status.message, ...(status.details?.causes ?? []).map(({ message }) => message)].join(' ')
      }
    },
    'evicted',
  )
  await evicted.catch((problem: unknown) => failWithReasons(stack, problem, namespace))
  return refused
}

/**
 * Throws a failure with the reasons why pods of a namespace are not Ready: a budget waits forever for a pod that cannot
 * be scheduled.
 */
async function failWithReasons(
  stack: Stack,
  problem: unknown,
  namespace: string,
  isRelevant: (pod: KubernetesObject) => boolean = () => true,
): Promise<never> {
  if (!(problem instanceof StackFailure)) throw problem
  const { items } = await stack.k8s.list('v1/Pod', { namespace })
  const reasons = readinessTroubles(items.filter(isRelevant)).slice(0, 3)
  throw new StackFailure(`${problem.message} ${reasons.join('; ')}`.trim(), { cause: problem })
}

/**
 * Waits until Deployments have all their pods again.
 * @throws StackFailure with why a pod is not Ready, such as the missing resource
 */
async function untilRolledOut(stack: Stack, deployments: readonly KubernetesObject[]): Promise<void> {
  for (const { metadata } of deployments) {
    const { name = '', namespace = '' } = metadata ?? {}
    // A Deployment whose namespace was deleted meanwhile does not count.
    const gone = (objects: KubernetesObject[]) => objects.length === 0
    const all = stack.until(
      { kind: 'apps/v1/Deployment', name, namespace },
      (objects) => (gone(objects) ? undefined : isRolledOut(objects)),
      'componentAvailable',
    )
    await all.catch((problem: unknown) =>
      failWithReasons(stack, problem, namespace, (pod) => isPodOf(pod, { metadata: { name, namespace } })),
    )
  }
}

const isBack = ([node]: KubernetesObject[]): string | undefined => {
  if (!node) return 'the node does not exist any more'
  if (node.spec?.unschedulable) return 'it is still cordoned'
  const ready = conditionOf(node, 'Ready')
  return ready?.status === 'True' ? undefined : `Ready is ${ready?.status ?? 'not reported'} (${ready?.message ?? ''})`
}
