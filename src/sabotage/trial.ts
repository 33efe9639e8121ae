import { orderOfWork, select } from '../check/catalogue.ts'
import type { Check } from '../check/check.ts'
import { Performer } from '../check/perform.ts'
import { performAll } from '../check/perform-all.ts'
import { plainMessage } from '../core/problem.ts'
import type { CheckRecord, Outcome } from '../core/record.ts'
import { journalFile, type RunInfo } from '../config/run-info.ts'
import { Journal } from '../cluster/journal.ts'
import { leaseNamespace } from '../cluster/run-lease.ts'
import type { ObjectId } from '../kube/object-id.ts'
import { isRolledOut } from '../kube/rolled-out.ts'
import { restartPods } from '../cluster/restart.ts'
import { Stack } from '../stack/stack.ts'
import { undoAll } from '../cluster/undo.ts'
import { until } from '../kube/until.ts'
import type { Sabotage } from './sabotage.ts'
import { Saboteur } from './saboteur.ts'
import { gatewayName } from '../cluster/gateway-service.ts'

// A list of troubles may be as long as a cluster is large: so many characters of it are kept.
const LONGEST_TEXT = 1_000

/** The outcomes of a trial's checks in its three phases, and what is wrong with it. */
export interface Trial {
  sabotage: string
  breaks: string
  fails: string[]
  seconds: number
  healthy: Record<string, Outcome>
  broken: Record<string, Outcome>
  /** What each check that failed said. */
  said: Record<string, string>
  /** Checks that must have failed, and did not. */
  missed: string[]
  /** Checks that failed though nothing of theirs was broken. */
  falseAlarms: string[]
  /** Why it proves nothing: the stack was not healthy before or after the fault, or the fault could not be made. */
  problem?: string
}

/**
 * Whether every check that had to notice a sabotage did, nothing else failed, and the stack was healthy before and
 * after.
 */
export const isDetected = ({ missed, falseAlarms, problem }: Trial): boolean =>
  missed.length === 0 && falseAlarms.length === 0 && problem === undefined

/** Whether an outcome is no finding: a pass, or a skip that this target is allowed. */
const isPassOrExcused = ({ outcome, excused }: CheckRecord): boolean =>
  outcome === 'pass' || (outcome === 'skipped' && excused === true)

/**
 * The checks that a trial runs: those that must fail with what they need, and as a sample of others all that read and
 * two that write, taken by the sabotage's id so that every target runs the same.
 */
export function trialChecks(catalogue: readonly Check[], { id, fails }: Pick<Sabotage, 'id' | 'fails'>): Check[] {
  const quick = catalogue.filter(({ effect, within }) => effect === 'writes' && within === undefined)
  const seed = [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0)
  const sample = [seed, seed * 7 + 3].map((at) => quick[at % quick.length]?.id ?? '').filter(Boolean)
  return orderOfWork(select(catalogue, ['reads', ...fails, ...sample]))
}

/**
 * One sabotage on one stack: healthy first, then broken, then put back and healthy again. `healthy` holds what passed
 * since the last sabotage was put back, which need not be looked at again; it is kept so. Each phase surveys the stack
 * anew: what was found before a fault is not what stands there now.
 */
export async function tryOut(
  each: Sabotage,
  { surveyed: _, ...run }: RunInfo,
  catalogue: readonly Check[],
  healthy: Map<string, CheckRecord>,
  abort: AbortSignal,
): Promise<Trial> {
  const started = performance.now()
  const checks = trialChecks(catalogue, each)
  const phase = (some = checks) => performPhase({ ...run, checks: some.map(({ id }) => id) }, some, abort)
  const trial: Trial = {
    ...{ sabotage: each.id, breaks: each.breaks, fails: [...each.fails], seconds: 0 },
    ...{ healthy: {}, broken: {}, said: {}, missed: [], falseAlarms: [] },
  }
  const note = (problem: string) => (trial.problem ??= problem)
  // With what they need: a step of a rollout goes on from where the one before it left the traffic.
  const unknown = checks.filter(({ id }) => !healthy.has(id)).map(({ id }) => id)
  const fresh = await phase(unknown.length ? select(checks, unknown) : [])
  const before = new Map(checks.map(({ id }) => [id, (fresh.get(id) ?? healthy.get(id))!]))
  trial.healthy = outcomes(before)
  const finding = firstFinding(before)
  if (finding) note(`the stack was not healthy before the fault: ${finding}`)
  else {
    healthy.clear()
    try {
      await breakStack(each, run, abort)
      const records = await phase()
      judge(trial, each, records)
    } catch (problem) {
      note(`the fault could not be made: ${plainMessage(problem)}`)
    }
    const left = await putBack(each, run, abort)
    if (left) note(left)
    // A defect that is gone leaves nothing behind: what reads shows that, and the rest is looked at again where it is
    // needed.
    const again = await phase(each.defect ? checks.filter(({ effect }) => effect === 'reads') : checks)
    for (const [id, record] of again) if (isPassOrExcused(record)) healthy.set(id, record)
    const after = firstFinding(again)
    if (after) note(`the stack was not healthy after the fault was undone: ${after}`)
  }
  if (abort.aborted) note('the run was cut short')
  trial.seconds = (performance.now() - started) / 1000
  return trial
}

function judge(trial: Trial, { fails }: Sabotage, records: ReadonlyMap<string, CheckRecord>): void {
  trial.broken = outcomes(records)
  trial.missed = fails.filter((id) => records.get(id)?.outcome !== 'fail')
  for (const [id, { outcome, seen }] of records) {
    if (outcome === 'fail' || outcome === 'error') trial.said[id] = seen.slice(0, LONGEST_TEXT)
    if ((outcome === 'fail' || outcome === 'error') && !fails.includes(id)) trial.falseAlarms.push(id)
  }
}

const outcomes = (records: ReadonlyMap<string, CheckRecord>): Record<string, Outcome> =>
  Object.fromEntries([...records].map(([id, { outcome }]) => [id, outcome]))

/** The first check with a finding, and what it saw; undefined where there is none. */
function firstFinding(records: ReadonlyMap<string, CheckRecord>): string | undefined {
  const finding = [...records.values()].find((record) => !isPassOrExcused(record))
  if (!finding) return undefined
  const isLate = /timed out|(within|after) [\d.]+ s/.test(finding.seen)
  const hint = isLate ? '; where this machine is slow, raise deadlines.factor or run fewer lanes' : ''
  return `${finding.id}: ${finding.outcome}: ${finding.seen.split('\n')[0]}${hint}`
}

async function performPhase(
  run: RunInfo,
  checks: readonly Check[],
  abort: AbortSignal,
): Promise<Map<string, CheckRecord>> {
  const stack = new Stack(run, abort)
  const before = new Set(stack.journal.pending().map(({ seq }) => seq))
  try {
    return await performAll(new Performer(run, stack), checks, abort)
  } finally {
    // The next phase makes things of the same names.
    await undoAll(stack.k8s, without(before, stack.journal), () => undefined)
    await stack.k8s.config.close()
  }
}

/** The journal as if it had begun with the phase: what that made goes with it, what is broken stays. */
function without(before: ReadonlySet<number>, journal: Journal): Journal {
  const all = journal.pending.bind(journal)
  journal.pending = () => all().filter(({ seq }) => !before.has(seq))
  return journal
}

async function breakStack(each: Sabotage, run: RunInfo, abort: AbortSignal): Promise<void> {
  const stack = new Stack(run, abort)
  try {
    await each.how(new Saboteur(stack))
    await restartPods(stack.k8s, deployments(each.restarts))
  } finally {
    await stack.k8s.config.close()
  }
}

/** Undoes the sabotage, and waits until the stack's own parts are there again; gives what could not be undone. */
async function putBack(each: Sabotage, run: RunInfo, abort: AbortSignal): Promise<string | undefined> {
  const stack = new Stack(run, abort)
  try {
    const journal = new Journal(journalFile(run.id))
    const lease = journal.pending().filter(({ object }) => object.name === leaseNamespace(run.id))
    const sabotage = without(new Set(lease.map(({ seq }) => seq)), journal)
    const left = await undoAll(stack.k8s, sabotage, () => undefined)
    if (left.length) return `the fault could not be undone: ${left.join('; ')}`
    await restartPods(stack.k8s, deployments([...(each.restarts ?? []), ...(each.afterwards ?? [])]))
    await until(stack.k8s, { kind: 'apps/v1/Deployment' }, isRolledOut, 'componentAvailable')
    const { namespace, name } = await gatewayName(stack)
    await until(
      stack.k8s,
      { kind: 'v1/Service', namespace, name },
      ([service]) =>
        service?.status?.loadBalancer?.ingress?.length ? undefined : 'status.loadBalancer has no address',
      'componentAvailable',
    )
    // A proxy whose istiod was gone takes its time to ask again.
    const gateways = await stack.istio.gatewayPods()
    await stack.istio.untilSynced(gateways.length, 'componentAvailable')
    return undefined
  } catch (problem) {
    return `the fault was undone, but the stack did not become ready again: ${plainMessage(problem)}`
  } finally {
    await stack.k8s.config.close()
  }
}

/** The ids of Deployments by their NAMESPACE/NAME. */
const deployments = (names: readonly string[] = []): ObjectId[] =>
  names.map((each) => {
    const [namespace = '', name = ''] = each.split('/')
    return { kind: 'apps/v1/Deployment', namespace, name }
  })
