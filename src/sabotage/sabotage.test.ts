import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../check/catalogue.ts'
import { differences, isClean, tellMatrix, unsabotaged, type MatrixReport } from './matrix-report.ts'
import { matrixPage } from './matrix-page.ts'
import { loadSabotages } from './sabotage.ts'
import { restoring } from '../cluster/restoring.ts'
import { trialChecks, type Trial, isDetected } from './trial.ts'
import { DEFECTS } from '../../twin/defects.ts'

const trial = (more: Partial<Trial> = {}): Trial => ({
  sabotage: 'one',
  breaks: 'it is broken',
  fails: ['a/b'],
  seconds: 1,
  healthy: { 'a/b': 'pass', 'a/c': 'pass' },
  broken: { 'a/b': 'fail', 'a/c': 'pass' },
  said: { 'a/b': 'expected <b> to be c' },
  missed: [],
  falseAlarms: [],
  ...more,
})
const matrix = (trials: Trial[], more: Partial<MatrixReport> = {}): MatrixReport => ({
  ...{ run: 'r', target: 'twin', context: 'twin', endedAt: '', seconds: 9, trials, skipped: [], without: [] },
  ...more,
})

describe('sabotages', () => {
  test('every check has one, every one names checks that are there, and every defect of the twin is one', async () => {
    const [sabotages, checks] = [await loadSabotages(), (await loadCatalogue()).map(({ id }) => id)]
    expect(unsabotaged(checks, sabotages)).toEqual([])
    expect(sabotages.flatMap(({ fails }) => fails.filter((id) => !checks.includes(id)))).toEqual([])
    expect(
      sabotages
        .map((each) => each.defect)
        .filter(Boolean)
        .toSorted(),
    ).toEqual(Object.keys(DEFECTS).toSorted())
  })

  test('what a trial runs is the named checks with what they need, all that read, and a sample by its id', async () => {
    const catalogue = await loadCatalogue()
    const chosen = trialChecks(catalogue, { id: 'x', fails: ['mesh/nginx-through-lb'] }).map(({ id }) => id)
    expect(chosen).toEqual(
      expect.arrayContaining(['mesh/nginx-through-lb', 'mesh/gateway-address', 'infra/nodes-ready']),
    )
    expect(trialChecks(catalogue, { id: 'x', fails: ['mesh/nginx-through-lb'] }).map(({ id }) => id)).toEqual(chosen)
    expect(chosen.length).toBeLessThan(catalogue.length)
  })

  test.each([
    [{ a: 1 }, { a: 2 }, { a: 1 }],
    [{}, { a: 2 }, { a: null }],
    [{ a: { b: 1, c: 2 } }, { a: { b: 9 } }, { a: { b: 1 } }],
    [{ a: { c: 2 } }, { a: { b: { d: 9 } } }, { a: { b: null } }],
    [{ a: [1, 2] }, { a: [3] }, { a: [1, 2] }],
    [{ a: { b: 1 } }, { a: null }, { a: { b: 1 } }],
  ])('%j, changed by %j, is put back by %j', (before, change, expected) => {
    expect(restoring(before, change)).toEqual(expected)
  })

  test('a matrix is clean where all are detected, nothing else failed, and no check is left out', () => {
    expect(isClean(matrix([trial()]))).toBe(true)
    expect(isClean(matrix([]))).toBe(false)
    expect(isClean(matrix([trial()], { without: ['a/d'] }))).toBe(false)
    expect(isDetected(trial({ missed: ['a/b'] }))).toBe(false)
    expect(isDetected(trial({ falseAlarms: ['a/c'] }))).toBe(false)
    expect(isDetected(trial({ problem: 'it was not healthy before' }))).toBe(false)
  })

  test('its last lines count, and name what was missed, what cried wolf, and what is not tried', () => {
    const lines = tellMatrix(
      matrix([trial(), trial({ sabotage: 'two', missed: ['a/b'], falseAlarms: ['a/c'] })], { without: ['a/d'] }),
    )
    expect(lines).toEqual([
      'detected: 1 of 2 in 9 s',
      'missed: a/b (two)',
      'false alarms: a/c (two)',
      'checks without a sabotage: a/d',
    ])
  })

  test('its page escapes what checks said', () => {
    const page = matrixPage(matrix([trial()]))
    expect(page).toContain('1 of 1 sabotages detected')
    expect(page).toContain('expected &lt;b> to be c')
  })

  test('two matrices differ where an outcome of the same check in the same phase does', () => {
    const other = trial({ broken: { 'a/b': 'fail', 'a/c': 'blocked' }, healthy: { 'a/b': 'pass', 'a/c': 'skipped' } })
    expect(differences(matrix([trial(), trial({ sabotage: 'alone' })]), matrix([other]))).toEqual({
      compared: 3,
      differing: [{ sabotage: 'one', phase: 'broken', check: 'a/c', here: 'pass', there: 'blocked' }],
    })
  })
})
