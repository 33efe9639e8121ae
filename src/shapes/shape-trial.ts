import { rmSync } from 'node:fs'
import { orderOfWork, select } from '../check/catalogue.ts'
import type { Check } from '../check/check.ts'
import { Journal } from '../cluster/journal.ts'
import { restartPods } from '../cluster/restart.ts'
import { undoAll } from '../cluster/undo.ts'
import { journalFile, runFolder, writeRunInfo, type RunInfo } from '../config/run-info.ts'
import { plainMessage } from '../core/problem.ts'
import type { CheckRecord, Outcome } from '../core/record.ts'
import { onStack, outcomesOf, performPhase, untilWhole } from '../run/phase.ts'
import type { ObjectId } from '../kube/object-id.ts'
import type { Stack } from '../stack/stack.ts'
import { writeSurveyFile } from '../survey/survey-file.ts'
import type { Make, Shape } from './shape.ts'
import { Shaper } from './shaper.ts'

const LONGEST_TEXT = 1_000

/** A check that did not pass, and what it said. */
export interface Finding {
  check: string
  outcome: Outcome
  said: string
}

/** What a shape came to: what the checks said of a stack that is healthy. */
export interface ShapeTrial {
  shape: string
  healthy: string
  seconds: number
  outcomes: Record<string, Outcome>
  /** Checks that failed, or were in error, blocked or skipped without a reason. */
  falseAlarms: Finding[]
  /** Checks that were blocked or skipped, with the reason that the shape gives. */
  explained: (Finding & { because: string })[]
  /** Checks that the shape explains, though they passed. */
  needless: string[]
  /** Why it proves nothing: the shape could not be made, or not be put back. */
  problem?: string
}

/** Whether no check complained of a healthy stack. */
export const isQuiet = ({ falseAlarms, problem }: ShapeTrial): boolean =>
  falseAlarms.length === 0 && problem === undefined

/**
 * The checks that a shape is looked at by: all that read or write, those that its reasons are about, and two of the
 * others, by the shape's id, so that every target runs the same.
 */
export function shapeChecks(catalogue: readonly Check[], { id, explained = {} }: Pick<Shape, 'id' | 'explained'>) {
  const others = catalogue.filter(({ effect, within }) => effect !== 'reads' && effect !== 'writes' && !within)
  const seed = [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0)
  const sample = [seed, seed * 7 + 3].map((at) => others[at % others.length]?.id ?? '').filter(Boolean)
  return orderOfWork(select(catalogue, ['reads', 'writes', ...Object.keys(explained), ...sample]))
}

/** What a shape is tried with. */
export interface ShapeRequest {
  shape: Shape
  /** How this target gets the shape, where it is not laid out so from the start. */
  make: Make | undefined
  run: RunInfo
  checks: readonly Check[]
  charts: string | undefined
  /** Whether the stack ends with the trial, so that it need not become whole again. */
  isLast: boolean
}

/** One shape on one stack: makes it, surveys and certifies the stack, and puts it back. */
export async function tryShape(request: ShapeRequest, abort: AbortSignal): Promise<ShapeTrial> {
  const started = performance.now()
  const { shape, run, checks } = request
  const trial: ShapeTrial = {
    ...{ shape: shape.id, healthy: shape.healthy, seconds: 0 },
    ...{ outcomes: {}, falseAlarms: [], explained: [], needless: [] },
  }
  const note = (problem: string) => (trial.problem ??= problem)
  // What a shape makes is not the run's own: checks look at it as at anybody's.
  const own: RunInfo = { ...run, id: `${run.id}-shape`, checks: [] }
  writeRunInfo(own)
  await onStack(own, abort, async (stack) => {
    const shaper = new Shaper(stack, request.charts)
    try {
      await request.make?.(shaper)
      // What the run was prepared with was surveyed before the shape was made.
      const shaped: RunInfo = { ...run, surveyed: false, config: { ...run.config, ...shaper.stack } }
      await onStack(shaped, abort, async (looking) => writeSurveyFile(run.id, await looking.survey()))
      const records = await performPhase({ ...shaped, surveyed: true }, checks, abort)
      if (abort.aborted) note('the run was cut short')
      else judge(trial, shape, run, checks, records)
    } catch (problem) {
      note(`the shape could not be made: ${plainMessage(problem)}`)
    }
    if (shaper.problem) note(`what the shape acts out ended: ${shaper.problem}`)
    await shaper.end()
    const left = await putBack(stack, own, shaper.restarted, request.isLast)
    if (left) note(left)
  })
  endOwn(own)
  trial.seconds = (performance.now() - started) / 1000
  return trial
}

/** What a shape made is no run of its own: its folder goes, but for one that holds what could not be put back. */
function endOwn(own: RunInfo): void {
  writeRunInfo({ ...own, endedAt: new Date().toISOString() })
  const isOpen = own.config.target !== 'twin' && new Journal(journalFile(own.id)).pending().length > 0
  if (!isOpen) rmSync(runFolder(own.id), { recursive: true, force: true })
}

function judge(
  trial: ShapeTrial,
  { explained = {} }: Shape,
  { lacking }: RunInfo,
  checks: readonly Check[],
  records: ReadonlyMap<string, CheckRecord>,
): void {
  trial.outcomes = outcomesOf(records)
  for (const { id, requires } of checks) {
    const record = records.get(id)
    const [outcome, said] = record ? [record.outcome, record.seen] : (['error', 'it left no record'] as const)
    if (outcome === 'pass') {
      if (explained[id] !== undefined) trial.needless.push(id)
      continue
    }
    // What the target itself lacks says nothing of the shape.
    if (outcome === 'skipped' && requires?.some((capability) => lacking[capability])) continue
    const finding = { check: id, outcome, said: said.slice(0, LONGEST_TEXT) }
    // A check that says that it does not apply has given its reason itself.
    const because = explained[id] ?? (record?.excused ? finding.said : undefined)
    const isQuietOutcome = outcome === 'blocked' || outcome === 'skipped'
    if (isQuietOutcome && because !== undefined) trial.explained.push({ ...finding, because })
    else trial.falseAlarms.push(finding)
  }
}

/** Undoes the shape; on a stack that goes on, waits until its parts are there again. Gives what could not be undone. */
async function putBack(
  stack: Stack,
  own: RunInfo,
  restarted: readonly ObjectId[],
  isLast: boolean,
): Promise<string | undefined> {
  try {
    const left = await undoAll(stack.k8s, new Journal(journalFile(own.id)), () => undefined)
    if (left.length) return `the shape could not be put back: ${left.join('; ')}`
    if (isLast) return undefined
    await restartPods(stack.k8s, restarted)
    await untilWhole(stack)
    return undefined
  } catch (problem) {
    return `the shape was put back, but the stack did not become whole again: ${plainMessage(problem)}`
  }
}
