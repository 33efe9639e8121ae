import type { KubernetesObject } from '../core/object.ts'
import { objectName } from '../kube/object-id.ts'
import { selectedByService, selects } from '../kube/selector.ts'
import type { Snapshot } from '../cluster/timeline.ts'
import type { WatchedThrough } from './experiment.ts'
import type { Stack } from '../stack/stack.ts'
import { gatewayName } from '../cluster/gateway-service.ts'

export const BUDGET = 'policy/v1/PodDisruptionBudget'

/** The budgets that cover a pod, or the pods of a Deployment. */
export const budgetsOver = (
  budgets: readonly KubernetesObject[],
  { namespace, labels }: { namespace: string | undefined; labels: Record<string, string> },
): KubernetesObject[] =>
  budgets.filter((budget) => budget.metadata?.namespace === namespace && selects(budget.spec?.selector, labels))

/**
 * Why a budget never allows a disruption, even with all pods healthy; undefined if it can. `pods` is the number of
 * pods, by default the count of its controller, which lags behind a change of scale.
 */
export function neverAllows(budget: KubernetesObject, pods?: number): string | undefined {
  const expectedPods = pods ?? Number(budget.status?.expectedPods ?? 0)
  const { minAvailable, maxUnavailable } = (budget.spec ?? {}) as Record<string, number | string | undefined>
  // Shares are rounded up: kubernetes, pkg/controller/disruption, getExpectedScale.
  const podCount = (limit: number | string) =>
    typeof limit === 'number' ? limit : Math.ceil((parseFloat(limit) / 100) * expectedPods)
  const desiredHealthy =
    minAvailable === undefined ? expectedPods - podCount(maxUnavailable ?? 0) : podCount(minAvailable)
  if (expectedPods === 0 || desiredHealthy < expectedPods) return undefined
  const limit = minAvailable === undefined ? `maxUnavailable ${maxUnavailable}` : `minAvailable ${minAvailable}`
  return (
    `${objectName(budget)} never allows a disruption: ${limit} of ${expectedPods} pods ` +
    `means that ${desiredHealthy} must be healthy`
  )
}

/**
 * The Deployments that must be able to move: Knative's, istiod, the gateway's, and the workload's in namespace
 * plumbline.
 */
export async function listMovableDeployments(stack: Stack): Promise<KubernetesObject[]> {
  const deployments = await stack.all('apps/v1/Deployment')
  const { namespace, name: service } = await gatewayName(stack)
  const gateway = await stack.one('v1/Service', service, namespace)
  return deployments.filter(({ metadata, spec }) => {
    if (Number(spec?.replicas ?? 0) === 0) return false
    if (metadata?.namespace === 'knative-serving' || metadata?.namespace === 'plumbline') return true
    if (metadata?.labels?.app === 'istiod') return true
    const labels = (spec?.template?.metadata?.labels ?? {}) as Record<string, string>
    return metadata?.namespace === namespace && selectedByService(gateway.spec?.selector, labels)
  })
}

/** What is wrong with the budgets of Deployments that must be able to move: permanently, and only now. */
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

/**
 * A sentence for each Deployment that must be able to move and has no budget, one that never allows a disruption, or
 * one that allows none now.
 */
export async function budgetTroubles(stack: Stack): Promise<BudgetTroubles> {
  const { items: budgets } = await stack.k8s.list(BUDGET)
  const deployments = await listMovableDeployments(stack)
  const troubles: BudgetTroubles = { lasting: [], now: [], deployments: deployments.length, budgets: 0 }
  const used = new Set<string>()
  for (const deployment of deployments) {
    const over = budgetsOver(budgets, podsOf(deployment))
    if (over.length === 0) troubles.lasting.push(`${objectName(deployment)} has no PodDisruptionBudget`)
    for (const budget of over) {
      used.add(objectName(budget))
      const {
        expectedPods = 0,
        disruptionsAllowed = 0,
        currentHealthy = 0,
        desiredHealthy = 0,
      } = (budget.status ?? {}) as Record<string, number>
      // A budget of several Deployments covers all their pods, and its controller counts those.
      const alone = deployments.filter((other) => budgetsOver([budget], podsOf(other)).length).length === 1
      const never = neverAllows(budget, alone ? Number(deployment.spec?.replicas ?? 1) : undefined)
      if (never) troubles.lasting.push(never)
      else if (expectedPods === 0) troubles.now.push(`${objectName(budget)}: its selector matches no pod`)
      else if (disruptionsAllowed < 1)
        troubles.now.push(
          `${objectName(budget)} allows no disruption now: ${currentHealthy} of ${expectedPods} pods are healthy, ` +
            `${desiredHealthy} must be`,
        )
    }
  }
  return { ...troubles, budgets: used.size }
}

/**
 * A sentence for each budget that was broken: fewer healthy pods than it requires, by the count of its controller,
 * after it had enough. A budget whose expected pods just increased is not broken because the new pods do not exist yet.
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
          `${name}: ${currentHealthy} pods were healthy at ${(at / 1000).toFixed(1)} s, ` +
            `at least ${desiredHealthy} must be`,
        )
    }
  }
  return [...breaches.values()]
}

/** All budgets of the cluster, to watch during a fault. */
export const budgetsWatched: WatchedThrough = {
  title: 'budgets that allow a disruption',
  kind: BUDGET,
  count: (budgets) => budgets.filter(({ status }) => Number(status?.disruptionsAllowed ?? 0) > 0).length,
}
