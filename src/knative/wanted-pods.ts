import type { Mode } from './autoscaler.ts'
import type { Sample } from '../traffic/samples.ts'
import type { ScalingRules } from './scaling-rules.ts'
import { valueAt, type Step } from '../kube/timeline.ts'

/** What the formulas allow at one moment. */
export interface Allowed {
  at: number
  /** The pods that may be wanted, from and to. */
  low: number
  high: number
  modes: Mode[]
  /** The averages that they rest on, for a failure to tell. */
  stable: Range
  panic: Range
  ready: Range
}

interface Range {
  from: number
  to: number
}

const STEP_MS = 500
// The autoscaler sees a request's second up to a second late, decides every two seconds, and its decision has to be written and watched.
const LAG_MS = 4500
// What a second of the autoscaler's own figures may be off: it looks at whole ones, and asks some pods for all where there are many.
const [LESS, MORE] = [0.9, 1.1]

/**
 * What Knative's autoscaler may want while samples come, half second by half second: its formulas (knative/serving,
 * pkg/autoscaler/scaling/autoscaler.go, Scale) over every moment at which it may have looked, so that what they give at its most and at
 * its least bounds what is right. `holdMs` is how long the workload holds each request. Times are in milliseconds since the samples began.
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

/** In panic mode what is wanted never gets less; out of it the stable window alone counts. */
function ratchet(panic: { until: number; most: number }, at: number, panicking: number, calm: number): number {
  if (at > panic.until) {
    panic.most = 0
    return calm
  }
  panic.most = Math.max(panic.most, panicking)
  return panic.most
}

/** The pods for an average: within the rates that the Ready ones allow, and within the revision's own bounds. */
function clamp(rules: ScalingRules, average: number, ready: number): number {
  const lowest = Math.floor(Math.max(1, ready) / rules.maxDownRate)
  const highest = Math.ceil(rules.maxUpRate * Math.max(1, ready))
  const wanted = Math.min(highest, Math.max(lowest, Math.ceil(average / rules.target)))
  const bounded = Math.max(rules.minScale, wanted)
  return rules.maxScale > 0 ? Math.min(rules.maxScale, bounded) : bounded
}

/** Serve where the spare burst capacity is not negative, Proxy where it is: reconciler/autoscaling/kpa. */
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
 * The load that the autoscaler may have seen. The client knows when a request left and when its answer came, and not when it reached
 * the pod: at most it was there all that time, at least for as long as the workload holds it, before the end.
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
   * The least and the most that the average of the window that ends at `at` may be. A window that holds no earlier sample than the first
   * counts from that: the autoscaler divides by the seconds for which it has figures.
   */
  averages(at: number, windowMs: number): [number, number] {
    if (at <= this.#first) return [0, 0]
    const known = Math.min(windowMs, Math.max(1000, at - this.#first))
    const [least, most] = this.#metric === 'rps' ? this.#came(at - windowMs, at) : this.#underWay(at - windowMs, at)
    return [(least / windowMs) * LESS, (most / known) * MORE]
  }

  /** Milliseconds of requests between two moments. */
  #underWay(from: number, to: number): [number, number] {
    const within = (began: number, ended: number) => Math.max(0, Math.min(to, ended) - Math.max(from, began))
    let [least, most] = [0, 0]
    for (const { due, ms } of this.#samples) {
      least += within(due + Math.max(0, ms - this.#holdMs), due + ms)
      most += within(due, due + ms)
    }
    return [least, most]
  }

  /** Requests that came between two moments, each as the milliseconds that a rate of one a second makes of it. */
  #came(from: number, to: number): [number, number] {
    let [least, most] = [0, 0]
    for (const { due, ms } of this.#samples) {
      if (due >= from && due + ms < to) least += 1000
      if (due + ms >= from && due < to) most += 1000
    }
    return [least, most]
  }
}

/** A sentence for each moment from `from` on at which other than the allowed was wanted. */
export function outsideOf(
  allowed: readonly Allowed[],
  wanted: readonly Step<number>[],
  { from, to }: { from: number; to: number },
): string[] {
  return allowed.flatMap(({ at, low, high, stable, panic, ready }) => {
    const seen = valueAt(wanted, at)
    if (at < from || at > to || seen === undefined || (seen >= low && seen <= high)) return []
    const range = (what: Range) => `${what.from.toFixed(1)} to ${what.to.toFixed(1)}`
    return [
      `at ${(at / 1000).toFixed(1)} s ${seen} pods wanted, by the formulas ${low === high ? low : `${low} to ${high}`} (stable average ${range(stable)}, panic ${range(panic)}, ${ready.from} to ${ready.to} Ready)`,
    ]
  })
}

/** A sentence for each moment at which the ServerlessService was in a mode that is not allowed then. */
export function modesOutsideOf(
  allowed: readonly Allowed[],
  mode: readonly Step<Mode>[],
  { from, to }: { from: number; to: number },
): string[] {
  return allowed.flatMap(({ at, modes, panic, ready }) => {
    const seen = valueAt(mode, at)
    if (at < from || at > to || seen === undefined || modes.includes(seen)) return []
    return [
      `at ${(at / 1000).toFixed(1)} s the mode is ${seen}, by the spare burst capacity ${modes.join(' or ')} (panic average ${panic.from.toFixed(1)} to ${panic.to.toFixed(1)}, ${ready.from} to ${ready.to} Ready)`,
    ]
  })
}
