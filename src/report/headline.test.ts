import { describe, expect, test } from 'vitest'
import type { Effect, Outcome } from '../core/record.ts'
import { coverageOf, headlineOf } from './headline.ts'
import { reportWaivers, staleWaivers } from './waivers.ts'

const check = (effect: Effect, outcome: Outcome = 'pass', more: { excused?: true; notAllowed?: true } = {}) => ({
  ...{ effect, outcome, ...more },
})
const refused = { excused: true, notAllowed: true } as const

describe('what a verdict covers', () => {
  test.each([
    ['reads', [check('reads')]],
    ['reads and writes', [check('writes'), check('reads', 'fail')]],
    [
      'reads, writes, changes of shared settings and disruptions',
      [check('reads'), check('writes'), check('tunes'), check('disrupts')],
    ],
    [
      'reads; 2 checks that change shared settings were not allowed',
      [check('reads'), check('tunes', 'skipped', refused), check('tunes', 'skipped', refused)],
    ],
    [
      'reads; 2 checks that change shared settings, evict or kill pods were not allowed',
      [check('reads'), check('tunes', 'skipped', refused), check('disrupts', 'skipped', refused)],
    ],
    [
      'reads; 1 check that evicts or kills pods was not allowed; 1 check does not apply to this cluster',
      [check('reads'), check('disrupts', 'skipped', refused), check('writes', 'skipped', { excused: true })],
    ],
    ['nothing', [check('reads', 'blocked')]],
  ])('%s', (told, checks) => expect(coverageOf(checks)).toBe(told))
})

describe('waivers of a run', () => {
  const waiver = (name: string, until = '9999-12-31') => ({ check: name, match: 'x', because: 'y', until })
  const used = { waiver: 0, finding: 'x', because: 'y', until: '9999-12-31' }
  const waivers = reportWaivers(
    [waiver('a/used'), waiver('a/pass'), waiver('a/used', '2026-01-01'), waiver('a/none'), waiver('a/skipped')],
    [
      { id: 'a/used', outcome: 'waived', waived: [used] },
      { id: 'a/pass', outcome: 'pass', waived: [] },
      { id: 'a/skipped', outcome: 'skipped', waived: [] },
    ],
    new Date('2026-06-01'),
  )

  test('are told by what became of them', () => {
    expect(waivers.map(({ state }) => state)).toEqual(['used', 'matches nothing', 'ended', 'not tried', 'not tried'])
    expect(staleWaivers(waivers)).toEqual([
      'waive[1] a/pass matches no finding any more: remove it.',
      'waive[2] a/used ended on 2026-01-01: its finding counts again.',
    ])
  })

  test('stand beside the verdict', () => {
    expect(headlineOf({ verdict: 'certified', waivers })).toBe('certified with 1 waiver')
    expect(headlineOf({ verdict: 'certified with remarks', waivers })).toBe('certified with remarks and 1 waiver')
    expect(headlineOf({ verdict: 'not certified', waivers })).toBe('not certified')
    expect(headlineOf({ verdict: 'certified', waivers: [] })).toBe('certified')
  })
})
