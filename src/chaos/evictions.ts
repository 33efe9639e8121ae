import type { KubernetesObject } from '../core/object.ts'
import { statusOf } from '../kube/errors.ts'
import type { Stack } from '../stack/stack.ts'
import { podsOf } from '../cluster/restart.ts'
import { recordWhile, type Snapshot } from '../cluster/timeline.ts'
import { isRolledOut } from '../kube/rolled-out.ts'
import { evict } from './drain.ts'

/**
 * Evicts pods of one of our own Deployments all at once, then retries the refused evictions until they succeed, while
 * its pods are recorded. Gives the results of the first tries and the number of all refusals.
 */
export async function evictAllAtOnce(
  stack: Stack,
  { namespace, name }: { namespace: string; name: string },
  pods: readonly KubernetesObject[],
): Promise<{ snapshots: Snapshot[]; first: { allowed: number; refused: number }; refused: number }> {
  const deployment = { kind: 'apps/v1/Deployment', name, namespace }
  const selected = await podsOf(stack.k8s, deployment)
  // The budget's controller has to have counted the pods before it can allow any to go.
  await stack.until(
    { kind: 'policy/v1/PodDisruptionBudget', namespace },
    ([budget]) => {
      const { expectedPods = 0, currentHealthy = 0 } = (budget?.status ?? {}) as Record<string, number>
      return expectedPods === pods.length && currentHealthy === pods.length
        ? undefined
        : `its status counts ${currentHealthy} healthy of ${expectedPods} expected pods, not ${pods.length}`
    },
    'podReady',
  )
  const { snapshots, result } = await recordWhile(stack.k8s, { kind: 'v1/Pod', ...selected }, async () => {
    const tries = await Promise.all(pods.map((pod) => tryOnce(stack, pod)))
    const left = pods.filter((_, at) => tries[at] === 'refused')
    const again = await Promise.all(left.map((pod) => evict(stack, pod)))
    await stack.until(deployment, isRolledOut, 'podReady')
    return { refused: left.length, again: again.reduce((sum, count) => sum + count, 0) }
  })
  return {
    snapshots,
    first: { allowed: pods.length - result.refused, refused: result.refused },
    refused: result.refused + result.again,
  }
}

async function tryOnce(stack: Stack, { metadata }: KubernetesObject): Promise<'allowed' | 'refused'> {
  try {
    await stack.k8s.evict(metadata?.name ?? '', metadata?.namespace ?? '')
    return 'allowed'
  } catch (problem) {
    if (statusOf(problem)?.code === 429) return 'refused'
    throw problem
  }
}
