import type { CheckMeta } from '../check/check.ts'
import { emptyRecord, type CheckRecord, type Outcome } from '../core/record.ts'

export const VERDICTS = ['certified', 'certified with remarks', 'not certified', 'incomplete'] as const
export type Verdict = (typeof VERDICTS)[number]

/** One check of the catalogue with what is left of it after the run. */
export interface Judged extends CheckRecord {
  meta: Pick<CheckMeta, 'level'>
}

/** The record of a check, or an error where it left none: nothing passes by default. */
export const recordOrError = (id: string, records: ReadonlyMap<string, CheckRecord>): CheckRecord =>
  records.get(id) ??
  emptyRecord(id, 'error', 'no record of this check: the run ended before it, or its record could not be written', '')

/**
 * The verdict over the checks that a run chose: not certified where a required check failed; incomplete where the run
 * was cut short, or a required one was blocked, in error, or skipped for a reason that the target should not have; with
 * remarks where only recommended ones did not pass. What is waived counts as passed.
 */
export function verdictOf(judged: readonly Judged[], interrupted: boolean): Verdict {
  if (judged.length === 0 || interrupted) return 'incomplete'
  const required = judged.filter(({ meta }) => meta.level === 'required')
  if (required.some(({ outcome }) => outcome === 'fail')) return 'not certified'
  if (required.some((each) => isGap(each))) return 'incomplete'
  const remarks = judged.some((each) => each.outcome === 'fail' || isGap(each))
  return remarks ? 'certified with remarks' : 'certified'
}

const isGap = ({ outcome, excused }: CheckRecord): boolean =>
  outcome === 'blocked' || outcome === 'error' || (outcome === 'skipped' && !excused)

/** What the process ends with. */
export const exitCodeOf = (verdict: Verdict): 0 | 1 | 2 =>
  verdict === 'not certified' ? 1 : verdict === 'incomplete' ? 2 : 0

/** How many checks came to each outcome. */
export function countOutcomes(records: readonly Pick<CheckRecord, 'outcome'>[]): Record<Outcome, number> {
  const counts: Record<Outcome, number> = { pass: 0, waived: 0, fail: 0, blocked: 0, skipped: 0, error: 0 }
  for (const { outcome } of records) counts[outcome]++
  return counts
}

/** '58 passed, 1 failed, 2 blocked', without what is none. */
export function tellCounts(counts: Record<Outcome, number>): string {
  const words: Record<Outcome, string> = {
    pass: 'passed',
    waived: 'waived',
    fail: 'failed',
    blocked: 'blocked',
    skipped: 'skipped',
    error: 'in error',
  }
  const parts = (Object.keys(words) as Outcome[]).filter((outcome) => counts[outcome] || outcome === 'pass')
  return parts.map((outcome) => `${counts[outcome]} ${words[outcome]}`).join(', ')
}
