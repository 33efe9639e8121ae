import { describe, expect, test } from 'vitest'
import type { Sample } from '../traffic/samples.ts'
import { rulesOf, type ScalingRules } from './scaling-rules.ts'
import { allowedPods, modeViolations, scaleViolations } from './wanted-pods.ts'

const RULES: ScalingRules = {
  ...{ metric: 'concurrency', total: 10, target: 7, stableWindow: 10, panicWindow: 3, panicThreshold: 10 },
  ...{ maxUpRate: 1000, maxDownRate: 2, minScale: 0, maxScale: 0, burstCapacity: 4 },
}
const podAutoscaler = (annotations: Record<string, string>, containerConcurrency = 0) => ({
  metadata: {
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`autoscaling.knative.dev/${key}`, value]),
    ),
  },
  spec: { containerConcurrency },
})

/** `concurrency` requests under way from one moment to another, each of half a second. */
const load = (concurrency: number, from: number, to: number): Sample[] =>
  Array.from({ length: ((to - from) / 500) * concurrency }, (_, at) => ({
    due: from + at * (500 / concurrency),
    ms: 500,
    status: 200,
  }))
const at = (allowed: ReturnType<typeof allowedPods>, ms: number) => allowed.findLast((moment) => moment.at <= ms)!
const ready = (count: number) => [{ at: 0, value: count }]

describe('the rules of a revision', () => {
  test('are its annotations, and the settings of the cluster where it has none', () => {
    expect(rulesOf(podAutoscaler({}), {})).toMatchObject({
      metric: 'concurrency',
      total: 100,
      target: 70,
      stableWindow: 60,
      panicWindow: 6,
      panicThreshold: 2,
      burstCapacity: 211,
    })
    expect(rulesOf(podAutoscaler({ target: '50' }, 10), {})).toMatchObject({ total: 10, target: 7 })
    expect(rulesOf(podAutoscaler({ metric: 'rps', target: '10' }), {}).target).toBeCloseTo(7)
    expect(rulesOf(podAutoscaler({ window: '6s' }), {}).panicWindow).toBe(1)
    expect(rulesOf(podAutoscaler({}), { 'container-concurrency-target-percentage': '0.5' }).target).toBe(50)
    expect(() => rulesOf(podAutoscaler({ class: 'hpa.autoscaling.knative.dev' }), {})).toThrow(/class is hpa/)
  })
})

describe('what the autoscaler may want', () => {
  test('is one number for a steady load, once its windows are full', () => {
    const allowed = allowedPods(RULES, load(10, 0, 30_000), ready(2), { holdMs: 500, until: 30_000 })
    expect(at(allowed, 25_000)).toMatchObject({ low: 2, high: 2 })
    expect(scaleViolations(allowed, [{ at: 0, value: 2 }], { from: 15_000, to: 29_000 })).toEqual([])
    expect(scaleViolations(allowed, [{ at: 0, value: 1 }], { from: 15_000, to: 16_000 })[0]).toMatch(
      /^the autoscaler asked for 1 pods at 15\.0 s; the measured load allows 2 \(average load /,
    )
  })

  test('goes down by no more than its rate, and within its bounds', () => {
    const few = load(1, 0, 30_000)
    expect(at(allowedPods(RULES, few, ready(8), { holdMs: 500, until: 30_000 }), 25_000)).toMatchObject({
      low: 4,
      high: 4,
    })
    const bounded = { ...RULES, minScale: 3, maxScale: 5 }
    expect(at(allowedPods(bounded, few, ready(3), { holdMs: 500, until: 30_000 }), 25_000)).toMatchObject({
      low: 3,
      high: 3,
    })
    const many = load(100, 0, 20_000)
    expect(at(allowedPods(bounded, many, ready(3), { holdMs: 500, until: 20_000 }), 18_000)).toMatchObject({
      low: 5,
      high: 5,
    })
  })

  test('never gets less in panic, until a stable window after', () => {
    const panicking = { ...RULES, panicThreshold: 2 }
    const samples = [...load(1, 0, 10_000), ...load(40, 10_000, 22_000), ...load(1, 22_000, 60_000)]
    const allowed = allowedPods(panicking, samples, ready(1), { holdMs: 500, until: 60_000 })
    expect(at(allowed, 22_000).low).toBeGreaterThanOrEqual(5)
    // 40 / 7 is 6; the stable window alone would be far down again by then.
    expect(at(allowed, 26_000).low).toBeGreaterThanOrEqual(5)
    expect(at(allowed, 55_000)).toMatchObject({ low: 1, high: 1 })
  })

  test('counts a slow request for all of its time at most, and for the time that it was held at least', () => {
    const slow = load(10, 0, 30_000).map((sample) => ({ ...sample, ms: 1500 }))
    const allowed = at(allowedPods(RULES, slow, ready(2), { holdMs: 500, until: 30_000 }), 25_000)
    expect(allowed.low).toBe(2)
    expect(allowed.high).toBe(5)
  })

  test('counts requests a second for rps', () => {
    const rps = { ...RULES, metric: 'rps', total: 10, target: 7 } as const
    const samples = load(10, 0, 30_000).map((sample) => ({ ...sample, ms: 5 }))
    expect(at(allowedPods(rps, samples, ready(3), { holdMs: 0, until: 30_000 }), 25_000)).toMatchObject({
      low: 3,
      high: 4,
    })
  })

  test('has the mode by the spare burst capacity: ready x total less burst capacity less what is under way', () => {
    const samples = [...load(1, 0, 15_000), ...load(9, 15_000, 30_000)]
    const allowed = allowedPods(RULES, samples, ready(1), { holdMs: 500, until: 30_000 })
    expect(at(allowed, 14_000).modes).toEqual(['Serve'])
    expect(at(allowed, 28_000).modes).toEqual(['Proxy'])
    expect(modeViolations(allowed, [{ at: 0, value: 'Serve' }], { from: 28_000, to: 28_000 })[0]).toMatch(
      /was in mode Serve at 28\.0 s; the spare burst capacity requires Proxy/,
    )
  })
})
