import type { KubernetesObject } from '../core/object.ts'
import { objectName } from '../kube/kubernetes.ts'
import { selects } from '../kube/selector.ts'
import type { Snapshot } from '../kube/timeline.ts'
import type { WatchedThrough } from './experiment.ts'
import type { Stack } from '../stack/stack.ts'

export const BUDGET = 'policy/v1/PodDisruptionBudget'

/** The budgets that a pod, or a Deployment's pods, are under. */
export const budgetsOver = (
  budgets: readonly KubernetesObject[],
  { namespace, labels }: { namespace: string | undefined; labels: Record<string, string> },
): KubernetesObject[] =>
  budgets.filter((budget) => budget.metadata?.namespace === namespace && selects(budget.spec?.selector, labels))

/**
 * Why a budget never allows a disruption, however whole everything is; undefined where it does. It is of `pods` pods, or of as many as
 * its controller has counted, which comes after a change of scale.
 */
export function neverAllows(budget: KubernetesObject, pods?: number): string | undefined {
  const expectedPods = pods ?? Number(budget.status?.expectedPods ?? 0)
  const { minAvailable, maxUnavailable } = (budget.spec ?? {}) as Record<string, number | string | undefined>
  // Shares are rounded up: kubernetes, pkg/controller/disruption, getExpectedScale.
  const of = (asked: number | string) =>
    typeof asked === 'number' ? asked : Math.ceil((parseFloat(asked) / 100) * expectedPods)
  const desiredHealthy = minAvailable === undefined ? expectedPods - of(maxUnavailable ?? 0) : of(minAvailable)
  if (expectedPods === 0 || desiredHealthy < expectedPods) return undefined
  const asks = minAvailable === undefined ? `maxUnavailable ${maxUnavailable}` : `minAvailable ${minAvailable}`
  return `${objectName(budget)} never allows a disruption: ${asks} of ${expectedPods} pods means that ${desiredHealthy} must be healthy`
}

/** The Deployments that must be able to move: Knative's, istiod, the gateway's, and those of the workload that Plumbline keeps there. */
export async function mustMove(stack: Stack): Promise<KubernetesObject[]> {
  const deployments = await stack.all('apps/v1/Deployment')
  const { namespace, service } = stack.config.gateway
  const gateway = await stack.one('v1/Service', service, namespace)
  return deployments.filter(({ metadata, spec }) => {
    if (Number(spec?.replicas ?? 0) === 0) return false
    if (metadata?.namespace === 'knative-serving' || metadata?.namespace === 'plumbline') return true
    if (metadata?.labels?.app === 'istiod') return true
    const labels = (spec?.template?.metadata?.labels ?? {}) as Record<string, string>
    return metadata?.namespace === namespace && selects({ matchLabels: gateway.spec?.selector ?? {} }, labels)
  })
}

/** What is wrong with the budgets of what must move: for good, and at this moment alone. */
export interface BudgetTroubles {
  lasting: string[]
  now: string[]
  deployments: number
  budgets: number
}

/** What a Deployment's pods are selected by. */
const podsOf = ({ metadata, spec }: KubernetesObject) => ({
  namespace: metadata?.namespace,
  labels: (spec?.template?.metadata?.labels ?? {}) as Record<string, string>,
})

/** A sentence for each Deployment that must move and that no budget covers, one that forbids it, or one that does so now. */
export async function budgetTroubles(stack: Stack): Promise<BudgetTroubles> {
  const { items: budgets } = await stack.k8s.list(BUDGET)
  const deployments = await mustMove(stack)
  const troubles: BudgetTroubles = { lasting: [], now: [], deployments: deployments.length, budgets: 0 }
  const used = new Set<string>()
  for (const deployment of deployments) {
    const over = budgetsOver(budgets, podsOf(deployment))
    if (over.length === 0) troubles.lasting.push(`${objectName(deployment)} is under no PodDisruptionBudget`)
    for (const budget of over) {
      used.add(objectName(budget))
      const {
        expectedPods = 0,
        disruptionsAllowed = 0,
        currentHealthy = 0,
        desiredHealthy = 0,
      } = (budget.status ?? {}) as Record<string, number>
      // One that is over several is of all their pods, and its controller counts those.
      const alone = deployments.filter((each) => budgetsOver([budget], podsOf(each)).length).length === 1
      const never = neverAllows(budget, alone ? Number(deployment.spec?.replicas ?? 1) : undefined)
      if (never) troubles.lasting.push(never)
      else if (expectedPods === 0) troubles.now.push(`${objectName(budget)} matches no pod`)
      else if (disruptionsAllowed < 1)
        troubles.now.push(
          `${objectName(budget)} allows no disruption now: ${currentHealthy} healthy of ${expectedPods}, ${desiredHealthy} needed`,
        )
    }
  }
  return { ...troubles, budgets: used.size }
}

/**
 * A sentence for each budget that was broken at a moment: fewer healthy pods than it needs, by its own controller's count, where it had
 * as many before. One whose pods were meanwhile to be more is not broken by that the new ones are not there yet.
 */
export function budgetBreaches(snapshots: readonly Snapshot[]): string[] {
  const kept = new Map<string, number>()
  const breaches = new Map<string, string>()
  for (const { at, objects } of snapshots) {
    for (const budget of objects) {
      const {
        currentHealthy = 0,
        desiredHealthy = 0,
        expectedPods = 0,
      } = (budget.status ?? {}) as Record<string, number>
      const name = objectName(budget)
      if (currentHealthy >= desiredHealthy) kept.set(name, expectedPods)
      else if (expectedPods <= (kept.get(name) ?? 0) && !breaches.has(name))
        breaches.set(
          name,
          `${name} had ${currentHealthy} healthy pods at ${(at / 1000).toFixed(1)} s and needs ${desiredHealthy}`,
        )
    }
  }
  return [...breaches.values()]
}

/** All budgets of the cluster, as a fault watches them. */
export const budgetsWatched: WatchedThrough = {
  title: 'budgets that allow a disruption',
  kind: BUDGET,
  count: (budgets) => budgets.filter(({ status }) => Number(status?.disruptionsAllowed ?? 0) > 0).length,
}
