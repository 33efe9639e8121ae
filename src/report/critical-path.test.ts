import { expect, test } from 'vitest'
import type { Wait } from '../core/record.ts'
import { Scope, asTraffic, inScope } from '../core/scope.ts'
import { criticalPath } from './critical-path.ts'

const BEGAN = Date.parse('2026-01-01T00:00:00Z')

/** A check that ran from and to so many seconds after the run began. */
const ran = (id: string, from: number, to: number, waits: Wait[] = []) => ({
  id,
  startedAt: new Date(BEGAN + from * 1000).toISOString(),
  ms: (to - from) * 1000,
  waits,
})
const path = (...checks: ReturnType<typeof ran>[]) => criticalPath(new Date(BEGAN).toISOString(), checks)

test('goes back from the check that ended last, by what each had to wait for to start', () => {
  const { steps, seconds } = path(
    ran('infra/first', 1, 2),
    ran('mesh/short', 2, 3),
    ran('mesh/long', 2, 9),
    ran('tls/alone', 9, 12),
    ran('tls/beside', 9, 11),
    ran('chaos/never-ran', 12, 12),
  )
  expect(steps.map(({ id, from }) => [id, from])).toEqual([
    ['infra/first', 1],
    ['mesh/long', 2],
    ['tls/alone', 9],
  ])
  expect(seconds).toBe(11)
})

test('counts waits for the stack and for traffic, those that overlap once, and neither a turn nor a program', () => {
  const { steps, mandated } = path(
    ran('mesh/a', 0, 10, [
      { what: 'Pod x/y', for: 'stack', from: 1000, to: 4000 },
      { what: 'all of it', for: 'stack', from: 500, to: 3000 },
      { what: '300 requests', for: 'traffic', from: 3500, to: 6000 },
      { what: 'its turn', for: 'turn', from: 6000, to: 9500 },
      { what: 'istioctl analyze', for: 'program', from: 9500, to: 9900 },
    ]),
  )
  expect(mandated).toBe(5.5)
  expect(steps[0]?.longest).toEqual({ what: 'its turn', seconds: 3.5 })
})

test('a run in which nothing ran has no path', () => {
  expect(path(ran('infra/skipped', 1, 1))).toEqual({ steps: [], seconds: 0, mandated: 0 })
})

test("a part's waits are the check's own, and count from when the check began", async () => {
  const whole = new Scope('tls/a', new AbortController().signal, 'reads')
  await whole.waiting('a pod', 1000, () => Promise.resolve())
  const part = new Scope('tls/a', whole.signal, 'reads', whole)
  await inScope(part, () => asTraffic('a request', 1000, () => Promise.resolve()))
  expect(whole.waited.map(({ what, for: kind }) => [what, kind])).toEqual([
    ['a pod', 'stack'],
    ['a request', 'traffic'],
  ])
})
