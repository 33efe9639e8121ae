import { appendFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { ExpectStatic } from 'vitest'
import type { Stack } from '../stack/stack.ts'
import type { Check } from './check.ts'
import { acceptance } from './waivers.ts'
import { deadline } from '../core/deadlines.ts'
import { gatherEvidence } from './evidence.ts'
import { DoesNotApply, NotLookedAt, plainMessage, StackFailure } from '../core/problem.ts'
import { toShownJson } from '../core/secrets.ts'
import { channel } from '../core/progress.ts'
import { emptyRecord, type CheckRecord, type Effect, type Outcome } from '../core/record.ts'
import { flushTrace } from '../core/trace.ts'
import { isSomebodys, recordsFile, type RunInfo } from '../config/run-info.ts'
import { inScope, Scope } from '../core/scope.ts'

/** What a check does to others' objects, by its effect. */
const OF_OTHERS: Record<Effect, string> = {
  reads: 'reads',
  writes: 'writes objects of its own',
  tunes: 'changes shared settings',
  disrupts: 'evicts or kills pods',
}

/** What became of a check, as a verb. */
const DID: Record<Outcome, string> = {
  pass: 'passed',
  waived: 'was waived',
  fail: 'failed',
  blocked: 'was blocked',
  skipped: 'was skipped',
  error: 'ended in error',
}

/** How a check ended, for those that need it: why it does not apply to this stack, where it does not. */
interface End {
  outcome: Outcome
  doesNotApply?: string
}

/** What a performed check came to; `problem` is what the runner is to see thrown. */
export interface Performed extends Pick<End, 'doesNotApply'> {
  record: CheckRecord
  problem?: unknown
}

/** Performs the checks of one run: waits for what each needs, runs its body, judges what it threw, and records it. */
export class Performer {
  readonly #run: RunInfo
  readonly #stack: Stack
  readonly #ends = new Map<string, { promise: Promise<End>; settle: (end: End) => void }>()

  constructor(run: RunInfo, stack: Stack) {
    this.#run = run
    this.#stack = stack
    for (const id of run.checks) {
      const { promise, resolve: settle } = Promise.withResolvers<End>()
      this.#ends.set(id, { promise, settle })
    }
  }

  /** Performs one check and writes its record. It does not throw. */
  async perform(check: Check, expect: ExpectStatic, abort: AbortSignal): Promise<Performed> {
    const startedAt = new Date()
    const performed = this.#record(await this.#judge(check, expect, abort, startedAt))
    const { id, outcome, ms, seen } = performed.record
    this.#ends.get(id)?.settle({ outcome, ...(performed.doesNotApply ? { doesNotApply: performed.doesNotApply } : {}) })
    channel.post({ type: 'finished', id, outcome, ms, seen })
    return performed
  }

  /**
   * Writes a record. One that cannot be written would be missing at the end: the check is in error, and nobody waits
   * for it.
   */
  #record({ record: whole, ...more }: Performed): Performed {
    const file = recordsFile(this.#run.id)
    const text = toShownJson(whole)
    const performed = { ...more, record: JSON.parse(text) as CheckRecord }
    try {
      appendFileSync(file, `${text}\n`)
      return performed
    } catch (problem) {
      const name = relative(process.cwd(), file)
      const seen = `${name} could not be written, so the result is lost: ${plainMessage(problem)}`
      return { record: { ...performed.record, outcome: 'error', seen }, problem }
    }
  }

  async #judge(check: Check, expect: ExpectStatic, abort: AbortSignal, asked: Date): Promise<Performed> {
    const notRun = (outcome: Outcome, seen: string, more: Partial<CheckRecord> = {}): Performed => ({
      record: { ...emptyRecord(check.id, outcome, seen, asked.toISOString()), ...more },
    })
    const lacking = (check.requires ?? [])
      .map((capability) => this.#run.lacking[capability])
      .find((lack) => lack !== undefined)
    if (lacking) return notRun('skipped', lacking.reason, { excused: lacking.excused })
    if (
      isSomebodys(this.#run.config.target) &&
      !this.#run.allowDisruption &&
      ['tunes', 'disrupts'].includes(check.effect)
    ) {
      return notRun(
        'skipped',
        `skipped because it ${OF_OTHERS[check.effect]} on a cluster that is not ours; ` +
          'pass --allow-disruption --context NAME to run it',
        { excused: true, notAllowed: true },
      )
    }
    const unmet = await this.#unmetNeeds(check, abort)
    if (abort.aborted) return notRun('error', 'not started: the run was cut short')
    // What a check asserts of a thing has no meaning either where the thing that it needs has none.
    const [moot] = unmet
    if (moot?.doesNotApply !== undefined && unmet.every(({ doesNotApply }) => doesNotApply !== undefined)) {
      const skipped = notRun('skipped', `${moot.id} does not apply: ${moot.doesNotApply}`, { excused: true })
      return { ...skipped, doesNotApply: moot.doesNotApply }
    }
    if (unmet.length) {
      const why = unmet.map(({ id, outcome }) => `${id} ${DID[outcome]}`).join(' and ')
      const blockedBy = unmet.map(({ id }) => id)
      return notRun('blocked', `skipped because ${why}; fix that first`, { blockedBy })
    }
    return this.#runBody(check, expect, abort)
  }

  /**
   * The checks that it needs and that did not pass. What is waived counts as met, and one that is not part of this run
   * is taken to hold.
   */
  async #unmetNeeds(check: Check, abort: AbortSignal): Promise<(End & { id: string })[]> {
    const aborted = rejectOn(abort).catch((): End => ({ outcome: 'error' }))
    const needs = (check.needs ?? []).filter((id) => this.#ends.has(id))
    const ends = await Promise.all(
      needs.map(async (id) => ({ id, ...(await Promise.race([this.#ends.get(id)!.promise, aborted])) })),
    )
    return ends.filter(({ outcome }) => outcome !== 'pass' && outcome !== 'waived')
  }

  async #runBody(check: Check, expect: ExpectStatic, abort: AbortSignal): Promise<Performed> {
    const within = deadline(check.within ?? 'check')
    const timeout = new AbortController()
    const timer = setTimeout(() => timeout.abort(new StackFailure('its deadline passed')), within)
    const startedAt = new Date()
    const scope = new Scope(
      check.id,
      AbortSignal.any([abort, timeout.signal]),
      check.effect,
      undefined,
      acceptance(this.#run.config.waive, check.id, startedAt),
    )
    const started = performance.now()
    channel.post({ type: 'started', id: check.id, within })
    const record: CheckRecord = {
      ...emptyRecord(check.id, 'pass', '', startedAt.toISOString()),
      waits: scope.waited,
      measurements: scope.measurements,
      remarks: scope.remarks,
      waived: scope.waived,
      evidence: scope.evidence,
    }
    let problem: unknown
    let doesNotApply: string | undefined
    try {
      record.seen = await inScope(scope, async () =>
        Promise.race([
          (async () =>
            check.body({
              stack: this.#stack,
              expect,
              signal: scope.signal,
              attach: (name, text) => void scope.evidence.push({ name, text }),
              remark: (text, namespace) => void scope.remarks.push({ text, ...(namespace ? { namespace } : {}) }),
              measure: (name, value, unit) => void scope.measurements.push({ name, value, unit }),
            }))(),
          rejectOn(scope.signal),
        ]),
      )
      // A body that caught the refusal has not done what it says.
      if (scope.overstepped.length) throw new Error(scope.overstepped[0])
      if (expect.getState().assertionCalls === 0)
        throw new Error(`bug in Plumbline: check ${check.id} finished without an assertion`)
    } catch (thrown) {
      problem = thrown
      if (abort.aborted)
        Object.assign(record, { outcome: 'error', seen: 'the run was cut short while this check was running' })
      else if (timeout.signal.aborted) {
        const waits = scope.waits.length ? ` while waiting for ${scope.waits.join(', ')}` : ''
        Object.assign(record, { outcome: 'fail', seen: `timed out after ${Math.round(within / 1000)} s${waits}` })
      } else if (thrown instanceof NotLookedAt || thrown instanceof DoesNotApply) {
        // Nobody has looked, so there is nothing to fail; what could have been looked at nobody may certify.
        Object.assign(record, { outcome: 'skipped', seen: thrown.message, excused: thrown instanceof DoesNotApply })
        if (thrown instanceof DoesNotApply) doesNotApply = thrown.message
        problem = undefined
      } else Object.assign(record, { outcome: isFailure(thrown) ? 'fail' : 'error', seen: plainMessage(thrown) })
      if (!abort.aborted && record.outcome !== 'skipped')
        record.evidence.push(...(await gatherEvidence(this.#stack, scope)))
      if (record.outcome === 'error' && thrown instanceof Error && !abort.aborted)
        record.evidence.push({ name: 'stack', text: thrown.stack ?? '' })
    }
    clearTimeout(timer)
    if (record.outcome === 'fail' && scope.accepts(record.seen)) {
      record.outcome = 'waived'
      problem = undefined
    } else if (record.outcome === 'pass' && scope.waived.length) {
      record.outcome = 'waived'
      record.seen = scope.waived.map(({ finding }) => finding).join('; ')
    }
    await inScope(new Scope(check.id, new AbortController().signal, check.effect, scope), () => scope.end()).catch(
      (left: unknown) => {
        problem ??= left
        Object.assign(record, {
          outcome: 'error',
          seen: `${record.seen ? `${record.seen}; ` : ''}its changes could not be undone: ${plainMessage(left)}`,
        })
      },
    )
    if (record.outcome === 'error') record.evidence.push({ name: 'trace', text: this.#whereTraced(check.id) })
    record.lists = scope.lists
    record.ms = Math.round(performance.now() - started)
    return {
      record,
      ...(problem === undefined ? {} : { problem }),
      ...(doesNotApply === undefined ? {} : { doesNotApply }),
    }
  }

  /** Where to read on after an error: the trace has what the check asked, and what it was answered. */
  #whereTraced(id: string): string {
    flushTrace()
    return this.#run.trace ? `trace.jsonl, entries of ${id}` : 'run again with --trace for every call'
  }
}

/** Rejects when the signal aborts, at once where it has. */
const rejectOn = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })

/**
 * An assertion of the check that did not hold (those of matchers have what was expected and seen), or a stack that is
 * not as it must be; anything else is the harness's own fault.
 */
const isFailure = (thrown: unknown): boolean =>
  thrown instanceof StackFailure || (thrown instanceof Error && (thrown.name === 'ApiRefusal' || 'actual' in thrown))
