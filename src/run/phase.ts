import type { Check } from '../check/check.ts'
import { Performer } from '../check/perform.ts'
import { performAll } from '../check/perform-all.ts'
import type { Journal } from '../cluster/journal.ts'
import { undoAll } from '../cluster/undo.ts'
import type { RunInfo } from '../config/run-info.ts'
import type { CheckRecord, Outcome } from '../core/record.ts'
import { isRolledOut } from '../kube/rolled-out.ts'
import { until } from '../kube/until.ts'
import { gatewayName } from '../cluster/gateway-service.ts'
import { Stack } from '../stack/stack.ts'

/**
 * Performs checks on a stack of their own, and undoes what they leave open. What the run's journal held before stays
 * open: the next phase makes things of the same names.
 */
export async function performPhase(
  run: RunInfo,
  checks: readonly Check[],
  abort: AbortSignal,
): Promise<Map<string, CheckRecord>> {
  const phase = { ...run, checks: checks.map(({ id }) => id) }
  return onStack(phase, abort, async (stack) => {
    const before = new Set(stack.journal.pending().map(({ seq }) => seq))
    try {
      return await performAll(new Performer(phase, stack), checks, abort)
    } finally {
      await undoAll(stack.k8s, without(before, stack.journal), () => undefined)
    }
  })
}

/** Does work on a stack of a run, whose connections end with it. */
export async function onStack<T>(run: RunInfo, abort: AbortSignal, work: (stack: Stack) => Promise<T>): Promise<T> {
  const stack = new Stack(run, abort)
  try {
    return await work(stack)
  } finally {
    await stack.k8s.config.close()
  }
}

/** A journal as if it had begun without those entries. */
export function without(entries: ReadonlySet<number>, journal: Journal): Journal {
  const all = journal.pending.bind(journal)
  journal.pending = () => all().filter(({ seq }) => !entries.has(seq))
  return journal
}

/**
 * Waits until the stack's own parts are there: every Deployment, the gateway's address, and every proxy in step.
 * @throws StackFailure with what is missing
 */
export async function untilWhole(stack: Stack): Promise<void> {
  await until(stack.k8s, { kind: 'apps/v1/Deployment' }, isRolledOut, 'componentAvailable')
  const { namespace, name } = await gatewayName(stack)
  await until(
    stack.k8s,
    { kind: 'v1/Service', namespace, name },
    ([service]) => (service?.status?.loadBalancer?.ingress?.length ? undefined : 'status.loadBalancer has no address'),
    'componentAvailable',
  )
  // A proxy whose istiod was gone takes its time to ask again.
  const gateways = await stack.istio.gatewayPods()
  await stack.istio.untilSynced(gateways.length, 'componentAvailable')
}

/** Whether an outcome is no finding: a pass, or a skip that this target is allowed. */
export const isPassOrExcused = ({ outcome, excused }: CheckRecord): boolean =>
  outcome === 'pass' || (outcome === 'skipped' && excused === true)

export const outcomesOf = (records: ReadonlyMap<string, CheckRecord>): Record<string, Outcome> =>
  Object.fromEntries([...records].map(([id, { outcome }]) => [id, outcome]))
