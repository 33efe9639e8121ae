import type { KubernetesObject } from '../core/object.ts'
import { objectName } from '../kube/object-id.ts'
import { selects } from '../kube/selector.ts'
import type { Snapshot } from '../cluster/timeline.ts'
import type { Stack } from '../stack/stack.ts'
import { maybeValue, valueOr } from '../survey/fact.ts'
import { isOfStack, stackNamespaces } from '../survey/stack-namespaces.ts'
import type { Workload } from '../survey/survey.ts'
import { externalGateways, theKnative } from '../survey/surveyed.ts'
import { nameOfWorkload } from '../survey/workload-id.ts'
import type { WatchedThrough } from './experiment.ts'

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

/** A part of the stack whose pods must be able to move, and whether it must have a budget that says so. */
interface Movable {
  workload: Workload
  needsBudget: boolean
}

/** Knative's components that every request or every change passes: with none of their pods something fails. */
const SERVING = ['activator', 'webhook']

/**
 * The workloads of the stack that a drain moves: gateways, istiods, Knative's components. Those on the way of requests
 * and of admission must have a budget; one pod of the others may be away for a moment. A DaemonSet is not drained.
 */
async function listMovable(stack: Stack): Promise<Movable[]> {
  const { gateways, istiods } = await stack.survey()
  const external = await externalGateways(stack)
  const local = valueOr(gateways, []).filter(({ role }) => role === 'local')
  const { components } = await theKnative(stack)
  const parts: Movable[] = [
    ...[...external, ...local].flatMap(({ workloads }) => workloads).map(needing),
    ...(maybeValue(istiods) ?? []).map(({ workload }) => needing(workload)),
    ...Object.entries(components).map(([name, workload]) => ({ workload, needsBudget: SERVING.includes(name) })),
  ]
  const once = new Map(parts.map((part) => [nameOfWorkload(part.workload), part]))
  return [...once.values()].filter(({ workload }) => workload.kind !== 'DaemonSet' && workload.replicas > 0)
}

const needing = (workload: Workload): Movable => ({ workload, needsBudget: true })

/** The pods that a workload has at least: where an autoscaler may take some away, its minimum. */
const fewestPods = ({ hpa, replicas }: Workload): number => hpa?.min ?? replicas

/** What is wrong with the budgets of workloads that must be able to move: permanently, and only now. */
export interface BudgetTroubles {
  lasting: string[]
  now: string[]
  /** A sentence for each budget of a tenant that never allows a disruption, with its namespace. */
  tenants: { text: string; namespace: string }[]
  workloads: number
  budgets: number
}

/**
 * A sentence for each workload of the stack that must have a budget and has none, or has one that never allows a
 * disruption, or allows none now.
 */
export async function budgetTroubles(stack: Stack): Promise<BudgetTroubles> {
  const { items: budgets } = await stack.k8s.list(BUDGET)
  const movable = await listMovable(stack)
  const troubles: BudgetTroubles = { lasting: [], now: [], tenants: [], workloads: movable.length, budgets: 0 }
  const used = new Set<string>()
  const over = ({ namespace, podLabels }: Workload) => budgetsOver(budgets, { namespace, labels: podLabels })
  for (const { workload, needsBudget } of movable) {
    const own = over(workload)
    if (own.length === 0 && needsBudget) troubles.lasting.push(`${nameOfWorkload(workload)} has no PodDisruptionBudget`)
    if (own.length > 1)
      troubles.lasting.push(
        `${nameOfWorkload(workload)}: ${own.length} PodDisruptionBudgets select its pods ` +
          `(${own.map(({ metadata }) => metadata?.name).join(', ')}); the API server evicts no pod that has several`,
      )
    for (const budget of own) {
      used.add(objectName(budget))
      // A budget of several workloads covers all their pods, and its controller counts those.
      const alone = movable.filter((other) => over(other.workload).includes(budget)).length === 1
      const never = neverAllows(budget, alone ? fewestPods(workload) : undefined)
      const now = never ?? notNow(budget)
      if (now) troubles[never ? 'lasting' : 'now'].push(now)
    }
  }
  const ownNamespaces = stackNamespaces(await stack.survey())
  troubles.tenants = budgets
    .filter((budget) => !used.has(objectName(budget)) && !isOfStack(ownNamespaces, budget))
    .flatMap((budget) => {
      const text = neverAllows(budget)
      return text === undefined ? [] : [{ text, namespace: budget.metadata?.namespace ?? '' }]
    })
  return { ...troubles, budgets: used.size }
}

/** Why a budget allows no disruption at this moment. */
function notNow(budget: KubernetesObject): string | undefined {
  const status = (budget.status ?? {}) as Record<string, number>
  const { expectedPods = 0, disruptionsAllowed = 0, currentHealthy = 0, desiredHealthy = 0 } = status
  if (expectedPods === 0) return `${objectName(budget)}: its selector matches no pod`
  return disruptionsAllowed < 1
    ? `${objectName(budget)} allows no disruption now: ${currentHealthy} of ${expectedPods} pods are healthy, ` +
        `${desiredHealthy} must be`
    : undefined
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
