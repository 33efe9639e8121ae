import { describe, expect, test } from 'vitest'
import type { CheckRecord, Level, Outcome } from '../core/record.ts'
import { exitCodeOf, recordOrError, tellCounts, countOutcomes, verdictOf } from './verdict.ts'

const judged = (outcome: Outcome, level: Level = 'required', more: Partial<CheckRecord> = {}) => ({
  id: 'x',
  outcome,
  seen: '',
  startedAt: '',
  ms: 0,
  lists: 0,
  waits: [],
  measurements: [],
  remarks: [],
  waived: [],
  evidence: [],
  meta: { level },
  ...more,
})

describe('the verdict', () => {
  test.each([
    ['certified', 0, [judged('pass'), judged('pass', 'recommended')]],
    ['certified', 0, [judged('pass'), judged('skipped', 'required', { excused: true })]],
    ['certified', 0, [judged('pass'), judged('waived')]],
    ['certified with remarks', 0, [judged('pass'), judged('fail', 'recommended')]],
    ['certified with remarks', 0, [judged('pass'), judged('error', 'recommended')]],
    ['not certified', 1, [judged('fail'), judged('error')]],
    ['incomplete', 2, [judged('pass'), judged('blocked')]],
    ['incomplete', 2, [judged('pass'), judged('error')]],
    ['incomplete', 2, [judged('pass'), judged('skipped', 'required', { excused: false })]],
    ['incomplete', 2, []],
  ] as const)('is %s (exit code %i)', (verdict, code, checks) => {
    expect(verdictOf(checks, false)).toBe(verdict)
    expect(exitCodeOf(verdict)).toBe(code)
  })

  test('of a run that was cut short is incomplete, whatever passed or failed', () => {
    expect(verdictOf([judged('pass'), judged('fail')], true)).toBe('incomplete')
  })

  test('takes a check that left no record for an error', () => {
    expect(recordOrError('mesh/a', new Map())).toMatchObject({ id: 'mesh/a', outcome: 'error' })
  })
})

test('counts are told without what is none', () => {
  expect(tellCounts(countOutcomes([judged('pass'), judged('blocked'), judged('fail')]))).toBe(
    '1 passed, 1 failed, 1 blocked',
  )
  expect(tellCounts(countOutcomes([]))).toBe('0 passed')
})
