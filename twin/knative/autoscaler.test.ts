import { describe, expect, test } from 'vitest'
import { activatorsFor, decide, panicWindowOf, targetsOf } from './formulas.ts'
import { MetricWindow } from './metric-window.ts'
import { autoscalerSettings, revisionSettings } from './settings.ts'

const DEFAULTS = autoscalerSettings({})
const annotated = (annotations: Record<string, string>) =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`autoscaling.knative.dev/${key}`, value]))
const excess = (annotations: Record<string, string>, ready: number, panic: number) => {
  const given = annotated(annotations)
  const settings = revisionSettings(DEFAULTS, given)
  return decide(settings, targetsOf(settings, given, 0), { ready, stable: panic, panic, reachable: true })
    .excessBurstCapacity
}

describe("the autoscaler's arithmetic", () => {
  test.each([
    [{}, 2, 0, -11],
    [{}, 3, 0, 89],
    [{}, 3, 90, -1],
    [{ target: '50' }, 4, 0, -11],
    [{ target: '50' }, 5, 0, 39],
    [{ target: '50' }, 5, 40, -1],
    [{ target: '10' }, 21, 0, -1],
    [{ target: '10' }, 22, 0, 9],
    [{ 'target-burst-capacity': '-1' }, 9, 0, -1],
    [{ 'target-burst-capacity': '0' }, 0, 500, 0],
  ])('excess burst capacity of %j with %i ready pods and %i requests is %i', (annotations, ready, panic, expected) => {
    expect(excess(annotations, ready, panic)).toBe(expected)
  })

  test.each([
    [1, 35, false],
    [1, 36, true],
    [2, 105, false],
    [2, 106, true],
    [3, 175, false],
    [3, 176, true],
  ])('with a target of 35 and %i ready pods %i requests at once panic: %s', (ready, panic, expected) => {
    const given = annotated({ target: '50' })
    const targets = targetsOf(DEFAULTS, given, 0)
    expect(targets.target).toBe(35)
    expect(decide(DEFAULTS, targets, { ready, stable: 0, panic, reachable: true }).overThreshold).toBe(expected)
  })

  test('a target is what the metric and the limit of the container make of it', () => {
    expect(targetsOf(DEFAULTS, {}, 0)).toEqual({ total: 100, target: 70 })
    expect(targetsOf(DEFAULTS, {}, 2)).toEqual({ total: 2, target: 1.4 })
    expect(targetsOf(DEFAULTS, annotated({ target: '50' }), 10)).toEqual({ total: 10, target: 7 })
    expect(targetsOf(DEFAULTS, annotated({ metric: 'rps' }), 2)).toEqual({ total: 200, target: 140 })
    expect(targetsOf(DEFAULTS, annotated({ metric: 'rps', target: '10' }), 0).target).toBeCloseTo(7)
    expect(targetsOf(DEFAULTS, annotated({ targetUtilizationPercentage: '80' }), 0).target).toBe(80)
    expect(targetsOf(DEFAULTS, annotated({ target: '0.001' }), 0).target).toBe(0.01)
  })

  test('a scale stays within its rates, and one that nothing reaches may go at once', () => {
    const targets = targetsOf(DEFAULTS, {}, 0)
    const scale = (ready: number, stable: number, reachable = true) =>
      decide(DEFAULTS, targets, { ready, stable, panic: stable, reachable }).desired
    expect(scale(5, 0)).toBe(2)
    expect(scale(1, 0)).toBe(0)
    expect(scale(5, 0, false)).toBe(0)
    expect(scale(0, 100_000)).toBe(1000)
    expect(scale(3, 141)).toBe(3)
  })

  test('the panic window is a share of the stable one, at least a second', () => {
    expect(panicWindowOf(DEFAULTS)).toBe(6)
    expect(panicWindowOf(revisionSettings(DEFAULTS, annotated({ window: '6s' })))).toBe(1)
    expect(panicWindowOf(revisionSettings(DEFAULTS, annotated({ window: '25s' })))).toBe(3)
  })

  test('the activators of a revision grow with what it takes', () => {
    expect(activatorsFor(DEFAULTS, 100, 1)).toBe(4)
    expect(activatorsFor(revisionSettings(DEFAULTS, annotated({ 'target-burst-capacity': '0' })), 100, 9)).toBe(2)
    expect(activatorsFor(revisionSettings(DEFAULTS, annotated({ 'target-burst-capacity': '-1' })), 100, 3)).toBe(3)
  })

  test('kebab-case wins over the older spelling', () => {
    const both = annotated({ 'min-scale': '2', minScale: '5' })
    expect(revisionSettings(DEFAULTS, both).minScale).toBe(2)
    expect(revisionSettings(DEFAULTS, annotated({ minScale: '5' })).minScale).toBe(5)
  })

  test('a window averages its seconds, a young one those that it has', () => {
    const window = new MetricWindow(60)
    window.record(100, 10)
    expect(window.average(100, 6)).toBe(10)
    window.record(101, 20)
    expect(window.average(101, 6)).toBe(15)
    for (let second = 102; second < 110; second++) window.record(second, 0)
    expect(window.average(106, 6)).toBeCloseTo(20 / 6)
    expect(window.average(109, 6)).toBe(0)
  })

  test('a second of which nothing has been told yet is no idle one', () => {
    const window = new MetricWindow(60)
    for (let second = 100; second < 110; second++) window.record(second, 10)
    expect(window.average(110, 6)).toBe(10)
    expect(window.average(113, 6)).toBe(10)
    expect(window.average(115, 6)).toBe(0)
  })
})
