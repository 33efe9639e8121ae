import { Controller } from '../api/controller.ts'
import { isReadyPod, withConditions, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { selects } from '../api/selectors.ts'
import { tooManyRequests } from '../api/status-error.ts'
import type { KubernetesHooks } from './hooks.ts'

const BUDGETS = 'poddisruptionbudgets.policy'

/** Keeps the status of PodDisruptionBudgets. */
export function runDisruption(objects: Objects): void {
  const budgets = new Controller('disruption', (name, namespace) => reconcileBudget(objects, name, namespace))
  budgets.watch(objects, BUDGETS)
  const all = ({ object }: { object: KubeObject }) => {
    for (const budget of objects.list(BUDGETS, object.metadata.namespace))
      budgets.enqueue(budget.metadata.name, budget.metadata.namespace)
  }
  objects.store.listen('pods', all)
  objects.store.listen('replicasets.apps', all)
}

/** How many pods there should be: what those who own the selected pods want, and pods that nobody owns. */
function expectedPods(objects: Objects, pods: KubeObject[]): number {
  const owners = new Map<string, number>()
  let alone = 0
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find((each) => each.controller)
    const set = owner && objects.get('replicasets.apps', owner.name, pod.metadata.namespace)
    const deployment = set?.metadata.ownerReferences?.find((each) => each.controller)
    const found = deployment && objects.get('deployments.apps', deployment.name, pod.metadata.namespace)
    if (found) owners.set(found.metadata.uid ?? '', Number(found.spec.replicas))
    else if (set) owners.set(set.metadata.uid ?? '', Number(set.spec.replicas))
    else alone++
  }
  return [...owners.values()].reduce((sum, count) => sum + count, alone)
}

/** A share of the pods rounds up, as the disruption controller rounds both of its fields. */
const countOf = (value: number | string, total: number): number =>
  typeof value === 'string' ? Math.ceil((Number(value.replace('%', '')) * total) / 100) : value

function reconcileBudget(objects: Objects, name: string, namespace: string | undefined): void {
  const budget = objects.get(BUDGETS, name, namespace)
  if (!budget) return
  const { minAvailable, maxUnavailable, selector } = budget.spec
  const pods = objects
    .list('pods', namespace)
    .filter((pod) => selects(selector, pod.metadata.labels) && !pod.metadata.deletionTimestamp)
  const expected = expectedPods(objects, pods)
  const healthy = pods.filter(isReadyPod).length
  const desired =
    maxUnavailable === undefined
      ? countOf(minAvailable ?? 0, expected)
      : Math.max(0, expected - countOf(maxUnavailable, expected))
  const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0
  objects.change(
    BUDGETS,
    name,
    namespace,
    (draft) => {
      draft.status = {
        observedGeneration: budget.metadata.generation,
        expectedPods: expected,
        currentHealthy: healthy,
        desiredHealthy: desired,
        disruptionsAllowed: allowed,
        conditions: withConditions(budget.status?.conditions, {
          type: 'DisruptionAllowed',
          status: allowed > 0 ? 'True' : 'False',
          reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
        }),
      }
    },
    'status',
  )
}

/**
 * Evicts a pod where its budgets allow that.
 * @throws StatusError 429 naming the budget that forbids it
 */
export function evict(
  objects: Objects,
  pod: KubeObject,
  graceSeconds: number | undefined,
  hooks: KubernetesHooks,
): void {
  const { name, namespace, labels } = pod.metadata
  const budgets = objects.list(BUDGETS, namespace).filter((budget) => selects(budget.spec.selector, labels))
  for (const budget of hooks.budgets.apply(isReadyPod(pod) ? budgets : [])) {
    const { disruptionsAllowed = 0, desiredHealthy = 0, currentHealthy = 0 } = budget.status ?? {}
    if (disruptionsAllowed < 1) {
      throw tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", [
        {
          reason: 'DisruptionBudget',
          message:
            `The disruption budget ${budget.metadata.name} needs ${desiredHealthy} healthy pods ` +
            `and has ${currentHealthy} currently`,
        },
      ])
    }
    objects.change(
      BUDGETS,
      budget.metadata.name,
      namespace,
      (draft) => void draft.status.disruptionsAllowed--,
      'status',
    )
  }
  objects.delete('pods', name, namespace, { graceSeconds })
}
