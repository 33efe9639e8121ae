import type { Mode } from './autoscaler.ts'
import type { Sample } from '../traffic/samples.ts'
import type { ScalingRules } from './scaling-rules.ts'
import { valueAt, type Step } from '../cluster/timeline.ts'

/** What the formulas allow at one moment. */
export interface Allowed {
  at: number
  /** The fewest and the most pods that the autoscaler may ask for. */
  low: number
  high: number
  modes: Mode[]
  /** The averages and the Ready pods that these follow from, for the text of a failure. */
  stable: Range
  panic: Range
  ready: Range
}

interface Range {
  from: number
  to: number
}

const STEP_MS = 500
// The autoscaler gets a second's metrics up to a second late, decides every two seconds, and the decision must be
// written and watched.
const LAG_MS = 4500
// How much the autoscaler's own figures may be off: it counts by full seconds, and samples some of the pods if there
// are many.
const [LESS, MORE] = [0.9, 1.1]

/**
 * The scale that Knative's autoscaler may ask for during a load, every half second: its formulas (knative/serving,
 * pkg/autoscaler/scaling/autoscaler.go, Scale) over every moment at which it may have read the metrics; the least and
 * the most that they give are the bounds. `holdMs` is how long the workload holds each request. Times are in
 * milliseconds since the samples began.
 */
export function allowedPods(
  rules: ScalingRules,
  samples: readonly Sample[],
  ready: readonly Step<number>[],
  { holdMs, until }: { holdMs: number; until: number },
): Allowed[] {
  const load = new LoadCurve(rules.metric, samples, holdMs)
  const bounds = Math.ceil(until / STEP_MS)
  const allowed: Allowed[] = []
  const least = { until: -Infinity, most: 0 }
  const most = { until: -Infinity, most: 0 }
  for (let step = 0; step <= bounds; step++) {
    const at = step * STEP_MS
    const looks = Array.from({ length: LAG_MS / STEP_MS + 1 }, (_, back) => at - back * STEP_MS)
    const stable = rangeOf(looks.flatMap((look) => load.averages(look, rules.stableWindow * 1000)))
    const panic = rangeOf(looks.flatMap((look) => load.averages(look, rules.panicWindow * 1000)))
    const here = rangeOf(looks.map((look) => valueAt(ready, look) ?? 0))
    const low = Math.max(...[stable, panic].map(({ from }) => clamp(rules, from, here.from)))
    const stableHigh = clamp(rules, stable.to, here.to)
    const panicHigh = clamp(rules, panic.to, here.to)
    const over = (average: number, pods: number) =>
      Math.ceil(average / rules.target) / Math.max(1, pods) >= rules.panicThreshold
    if (over(panic.to, here.from)) most.until = at + rules.stableWindow * 1000 + LAG_MS
    if (over(panic.from, here.to)) least.until = at + rules.stableWindow * 1000 - LAG_MS
    const high = ratchet(most, at, Math.max(stableHigh, panicHigh), stableHigh)
    allowed.push({
      at,
      low: Math.min(high, ratchet(least, at, low, clamp(rules, stable.from, here.from))),
      high,
      modes: modesOf(rules, here, panic),
      stable,
      panic,
      ready: here,
    })
  }
  return allowed
}

/** In panic mode the scale never decreases; outside of it only the stable window counts. */
function ratchet(panic: { until: number; most: number }, at: number, panicking: number, calm: number): number {
  if (at > panic.until) {
    panic.most = 0
    return calm
  }
  panic.most = Math.max(panic.most, panicking)
  return panic.most
}

/** The pods for an average, within the scale rates for the Ready pods and the revision's own bounds. */
function clamp(rules: ScalingRules, average: number, ready: number): number {
  const lowest = Math.floor(Math.max(1, ready) / rules.maxDownRate)
  const highest = Math.ceil(rules.maxUpRate * Math.max(1, ready))
  const needed = Math.min(highest, Math.max(lowest, Math.ceil(average / rules.target)))
  const bounded = Math.max(rules.minScale, needed)
  return rules.maxScale > 0 ? Math.min(rules.maxScale, bounded) : bounded
}

/** Serve if the spare burst capacity is not negative, else Proxy: reconciler/autoscaling/kpa. */
function modesOf({ burstCapacity, total }: ScalingRules, ready: Range, panic: Range): Mode[] {
  if (burstCapacity === 0) return ['Serve']
  if (burstCapacity < 0) return ['Proxy']
  const spare = (pods: number, observed: number) => Math.floor(pods * total - burstCapacity - observed)
  const modes: Mode[] = []
  if (spare(ready.to, panic.from) >= 0) modes.push('Serve')
  if (spare(ready.from, panic.to) < 0) modes.push('Proxy')
  return modes
}

const rangeOf = (values: readonly number[]): Range => ({ from: Math.min(...values), to: Math.max(...values) })

/**
 * The load that the autoscaler may have measured. The client knows when a request left and when its answer came, but
 * not when it reached the pod: it was there for all of that time at most, and for the last `holdMs` of it at least.
 */
class LoadCurve {
  readonly #metric: ScalingRules['metric']
  readonly #samples: readonly Sample[]
  readonly #holdMs: number
  readonly #first: number

  constructor(metric: ScalingRules['metric'], samples: readonly Sample[], holdMs: number) {
    this.#metric = metric
    this.#samples = samples
    this.#holdMs = holdMs
    this.#first = Math.min(...samples.map(({ due }) => due))
  }

  /**
   * The least and the most that the average of the window that ends at `at` may be. A window that begins before the
   * first sample counts from that sample: the autoscaler divides by the seconds for which it has metrics.
   */
  averages(at: number, windowMs: number): [number, number] {
    if (at <= this.#first) return [0, 0]
    const known = Math.min(windowMs, Math.max(1000, at - this.#first))
    const from = at - windowMs
    const [least, most] = this.#metric === 'rps' ? this.#requestTime(from, at) : this.#inFlightTime(from, at)
    return [(least / windowMs) * LESS, (most / known) * MORE]
  }

  /** The total milliseconds that requests were in flight between two moments. */
  #inFlightTime(from: number, to: number): [number, number] {
    const within = (began: number, ended: number) => Math.max(0, Math.min(to, ended) - Math.max(from, began))
    let [least, most] = [0, 0]
    for (const { due, ms } of this.#samples) {
      least += within(due + Math.max(0, ms - this.#holdMs), due + ms)
      most += within(due, due + ms)
    }
    return [least, most]
  }

  /** The requests that arrived between two moments, each counted as 1000 ms: a rate of one a second averages to 1. */
  #requestTime(from: number, to: number): [number, number] {
    let [least, most] = [0, 0]
    for (const { due, ms } of this.#samples) {
      if (due >= from && due + ms < to) least += 1000
      if (due + ms >= from && due < to) most += 1000
    }
    return [least, most]
  }
}

/** A sentence for each moment from `from` to `to` at which the desired scale was outside the allowed range. */
export function scaleViolations(
  allowed: readonly Allowed[],
  desired: readonly Step<number>[],
  { from, to }: { from: number; to: number },
): string[] {
  return allowed.flatMap(({ at, low, high, stable, panic, ready }) => {
    const scale = valueAt(desired, at)
    if (at < from || at > to || scale === undefined || (scale >= low && scale <= high)) return []
    const allowedScale = low === high ? low : `${low} to ${high}`
    return [
      `the autoscaler asked for ${scale} pods at ${(at / 1000).toFixed(1)} s; ` +
        `the measured load allows ${allowedScale} (average load ` +
        `${rangeText(stable)} in the stable window, ${rangeText(panic)} in the panic window; ` +
        `${ready.from} to ${ready.to} pods Ready)`,
    ]
  })
}

/** A sentence for each moment at which the mode of the ServerlessService was not one of the allowed ones. */
export function modeViolations(
  allowed: readonly Allowed[],
  mode: readonly Step<Mode>[],
  { from, to }: { from: number; to: number },
): string[] {
  return allowed.flatMap(({ at, modes, panic, ready }) => {
    const actual = valueAt(mode, at)
    if (at < from || at > to || actual === undefined || modes.includes(actual)) return []
    return [
      `the ServerlessService was in mode ${actual} at ${(at / 1000).toFixed(1)} s; ` +
        `the spare burst capacity requires ${modes.join(' or ')} ` +
        `(average load ${rangeText(panic)} in the panic window, ${ready.from} to ${ready.to} pods Ready)`,
    ]
  })
}

const rangeText = ({ from, to }: Range): string => `${from.toFixed(1)} to ${to.toFixed(1)}`
