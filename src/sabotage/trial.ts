import { orderOfWork, select } from '../check/catalogue.ts'
import type { Check } from '../check/check.ts'
import { plainMessage } from '../core/problem.ts'
import type { CheckRecord, Outcome } from '../core/record.ts'
import { journalFile, type RunInfo } from '../config/run-info.ts'
import { Journal } from '../cluster/journal.ts'
import { leaseNamespace } from '../cluster/run-lease.ts'
import { restartPods } from '../cluster/restart.ts'
import { undoAll } from '../cluster/undo.ts'
import { isPassOrExcused, onStack, outcomesOf, performPhase, untilWhole, without } from '../run/phase.ts'
import type { Sabotage } from './sabotage.ts'
import { idsOf } from './parts.ts'
import { Saboteur } from './saboteur.ts'

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
  { surveyed, ...run }: RunInfo,
  catalogue: readonly Check[],
  healthy: Map<string, CheckRecord>,
  abort: AbortSignal,
): Promise<Trial> {
  const started = performance.now()
  // By what stood there before the first fault: its names are the same once a fault is put back.
  const sound: RunInfo = { ...run, ...(surveyed ? { surveyed } : {}) }
  const checks = trialChecks(catalogue, each)
  const phase = (some = checks) => performPhase(run, some, abort)
  const trial: Trial = {
    ...{ sabotage: each.id, breaks: each.breaks, fails: [...each.fails], seconds: 0 },
    ...{ healthy: {}, broken: {}, said: {}, missed: [], falseAlarms: [] },
  }
  const note = (problem: string) => (trial.problem ??= problem)
  // With what they need: a step of a rollout goes on from where the one before it left the traffic.
  const unknown = checks.filter(({ id }) => !healthy.has(id)).map(({ id }) => id)
  const fresh = await phase(unknown.length ? select(checks, unknown) : [])
  const before = new Map(checks.map(({ id }) => [id, (fresh.get(id) ?? healthy.get(id))!]))
  trial.healthy = outcomesOf(before)
  const finding = firstFinding(before)
  if (finding) note(`the stack was not healthy before the fault: ${finding}`)
  else {
    healthy.clear()
    try {
      await breakStack(each, sound, abort)
      const records = await phase()
      judge(trial, each, records)
    } catch (problem) {
      note(`the fault could not be made: ${plainMessage(problem)}`)
    }
    const left = await putBack(each, sound, abort)
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
  trial.broken = outcomesOf(records)
  trial.missed = fails.filter((id) => records.get(id)?.outcome !== 'fail')
  for (const [id, { outcome, seen }] of records) {
    if (outcome === 'fail' || outcome === 'error') trial.said[id] = seen.slice(0, LONGEST_TEXT)
    if ((outcome === 'fail' || outcome === 'error') && !fails.includes(id)) trial.falseAlarms.push(id)
  }
}

/** The first check with a finding, and what it saw; undefined where there is none. */
function firstFinding(records: ReadonlyMap<string, CheckRecord>): string | undefined {
  const finding = [...records.values()].find((record) => !isPassOrExcused(record))
  if (!finding) return undefined
  const isLate = /timed out|(within|after) [\d.]+ s/.test(finding.seen)
  const hint = isLate ? '; where this machine is slow, raise deadlines.factor or run fewer lanes' : ''
  return `${finding.id}: ${finding.outcome}: ${finding.seen.split('\n')[0]}${hint}`
}

const breakStack = (each: Sabotage, run: RunInfo, abort: AbortSignal): Promise<void> =>
  onStack(run, abort, async (stack) => {
    await each.how(new Saboteur(stack))
    await restartPods(stack.k8s, await idsOf(stack, each.restarts))
  })

/** Undoes the sabotage, and waits until the stack's own parts are there again; gives what could not be undone. */
async function putBack(each: Sabotage, run: RunInfo, abort: AbortSignal): Promise<string | undefined> {
  try {
    return await onStack(run, abort, async (stack) => {
      const journal = new Journal(journalFile(run.id))
      const lease = journal.pending().filter(({ object }) => object.name === leaseNamespace(run.id))
      const left = await undoAll(stack.k8s, without(new Set(lease.map(({ seq }) => seq)), journal), () => undefined)
      if (left.length) return `the fault could not be undone: ${left.join('; ')}`
      await restartPods(stack.k8s, await idsOf(stack, [...(each.restarts ?? []), ...(each.afterwards ?? [])]))
      await untilWhole(stack)
      return undefined
    })
  } catch (problem) {
    return `the fault was undone, but the stack did not become ready again: ${plainMessage(problem)}`
  }
}
