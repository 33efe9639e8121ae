import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../check/catalogue.ts'
import { readLayout } from '../../twin/stack/layout.ts'
import { loadShapes, shape } from './shape.ts'
import { isQuiet, shapeChecks, type ShapeTrial } from './shape-trial.ts'
import { shapesPage } from './shapes-page.ts'
import { isAllQuiet, tellShapes, trialLines, type ShapesReport } from './shapes-report.ts'

const trial = (more: Partial<ShapeTrial> = {}): ShapeTrial => ({
  shape: 'one',
  healthy: 'it stands elsewhere',
  seconds: 61.2,
  outcomes: { 'a/b': 'pass', 'a/c': 'skipped' },
  falseAlarms: [],
  explained: [{ check: 'a/c', outcome: 'skipped', said: 'no', because: 'there is none' }],
  needless: [],
  ...more,
})
const alarm = trial({ falseAlarms: [{ check: 'a/b', outcome: 'fail', said: 'found <b>\nmore' }] })
const report = (trials: ShapeTrial[], more: Partial<ShapesReport> = {}): ShapesReport => ({
  ...{ run: 'r', target: 'twin', context: 'twin', endedAt: '', seconds: 61, trials, skipped: [] },
  ...more,
})

describe('shapes', () => {
  test('every one is a sentence, explains checks that are there, and has a layout that a twin can have', async () => {
    const [shapes, checks] = [await loadShapes(), (await loadCatalogue()).map(({ id }) => id)]
    expect(shapes.length).toBeGreaterThan(35)
    for (const { id, healthy, explained = {}, onTwin, onKind } of shapes) {
      expect(healthy, id).toMatch(/[^.]$/)
      expect(Object.keys(explained).filter((check) => !checks.includes(check))).toEqual([])
      expect(() => readLayout(JSON.stringify(onTwin.layout ?? {}))).not.toThrow()
      expect(onTwin.layout ?? onTwin.make, `${id} on a twin`).toBeDefined()
      if ('cannot' in onKind) expect(onKind.cannot, id).toMatch(/[^.]$/)
    }
  })

  test('a second one of a name is refused', () => {
    const meta = { healthy: 'it is', onTwin: { layout: {} }, onKind: { cannot: 'no' } }
    shape('test-twice', meta)
    expect(() => shape('test-twice', meta)).toThrow('shape "test-twice" is declared twice')
  })

  test('all checks that read or write look at one, what it explains, and two others by its id', async () => {
    const catalogue = await loadCatalogue()
    const some = shapeChecks(catalogue, { id: 'one', explained: { 'chaos/drain-zone': 'one zone' } })
    const ids = some.map(({ id }) => id)
    for (const { id } of catalogue.filter(({ effect }) => effect === 'reads' || effect === 'writes'))
      expect(ids).toContain(id)
    expect(ids).toContain('chaos/drain-zone')
    expect(some.some(({ effect, id }) => effect === 'tunes' || (effect === 'disrupts' && !id.includes('drain')))).toBe(
      true,
    )
    expect(some.length).toBeLessThan(catalogue.length)
  })

  test('one is quiet without a false alarm and without a problem', () => {
    expect([trial(), alarm, trial({ problem: 'no' })].map(isQuiet)).toEqual([true, false, false])
    expect(isAllQuiet(report([]))).toBe(false)
    expect(isAllQuiet(report([trial()]))).toBe(true)
  })

  test('what they came to is told in lines', () => {
    expect(trialLines(trial())).toEqual([`quiet  ${'one'.padEnd(26)}   61s  1 passed, 0 blocked, 1 with a reason`])
    expect(trialLines(alarm)[1]).toBe('         a/b: fail: found <b>')
    const told = tellShapes(
      report([alarm, trial({ shape: 'two', needless: ['a/b'], problem: 'it could not be made' })], {
        skipped: [{ shape: 'three', why: 'no chart' }],
      }),
    )
    expect(told).toEqual([
      'quiet: 0 of 2 in 61 s',
      'false alarms: a/b (one)',
      'inconclusive: two: it could not be made',
      'explained, though they passed: a/b (two)',
      'not possible on this target: three: no chart',
    ])
  })

  test('and on a page, with what checks said as text', () => {
    const page = shapesPage(report([trial(), alarm], { skipped: [{ shape: 'three', why: 'no chart' }] }))
    expect(page).toContain('1 of 2 healthy shapes without a false alarm')
    expect(page).toContain('found &lt;b>')
    expect(page).toContain('three: no chart')
  })
})
