import { workloadNamespace } from '../../src/cluster/workload.ts'
import { check, type CheckContext } from '../../src/check/check.ts'
import {
  allowedAt,
  loadRevision,
  modeViolationsOf,
  scaleViolationsOf,
  type LoadedRevision,
  type LoadedStack,
} from '../../src/knative/load-revision.ts'
import { failuresOf, latencyOf } from '../../src/traffic/samples.ts'
import { valueAt } from '../../src/cluster/timeline.ts'

// A short stable window, and a panic threshold that the load does not reach.
const CALM = { window: '6s', 'panic-threshold-percentage': '1000' }

const SCALING = {
  level: 'required',
  effect: 'writes',
  within: 'scalingCheck',
  requires: ['k6'],
  needs: ['knative/hello-through-lb'],
} as const

const SCALING_REMEDY = [
  "Look for the revision in the autoscaler's log (PA scale got=, want=)",
  'Check that the autoscaler can scrape the queue-proxies (port 9090 of the pods)',
  'Check max-scale in config-autoscaler',
]

const expectScaledByFormulas = (expect: CheckContext['expect'], loaded: LoadedRevision): void =>
  expect(scaleViolationsOf(loaded), 'Desired scale outside the bounds of the load').toBeNone()

const expectNoneFailed = (expect: CheckContext['expect'], { samples }: LoadedRevision): void =>
  expect(failuresOf(samples), `Failed requests of ${samples.length}`).toEqual({})

const seconds = (ms: number): string => (ms / 1000).toFixed(1)

// The longest check comes first, so that it sends its load first.
// A long stable window and a short panic window: the scale that only panic mode can ask for stands out.
const PANIC = { window: '12s', 'panic-window-percentage': '25', 'panic-threshold-percentage': '200', target: '5' }
const STEP = { CALM: 1, STEP: 12, HOLD_MS: 500, CALM_SECONDS: 6, STEP_SECONDS: 7, AFTER_SECONDS: 18 }

check(
  'knative/panic-mode',
  {
    ...SCALING,
    asserts:
      'a load step over the panic threshold scales out within two panic windows, ' +
      'does not scale in for a stable window, then returns to the stable scale',
    guide: '4',
    needs: ['knative/hello-through-lb', 'knative/annotations-applied'],
    remedy: [
      "Look for PANICKING and Un-panicking in the autoscaler's log",
      'Check panic-window-percentage, panic-threshold-percentage and max-scale of the PodAutoscaler',
    ],
  },
  async ({ stack, expect, measure, attach }) => {
    const namespace = await workloadNamespace(stack, 'panic')
    const service = await stack.knative.service(namespace, 'panic', { scaling: PANIC })
    const loaded = await loadRevision({ stack, attach }, service, 'panic', STEP)
    const { samples, course, rules, allowed, last } = loaded
    const stepAt = samples.find(({ part }) => part === 'step')?.due ?? 0
    expectNoneFailed(expect, loaded)

    const reaction = course.desired.find(({ at, value }) => {
      const stable = allowed.findLast((moment) => moment.at <= at)?.stable.to ?? 0
      return at > stepAt && value > Math.max(1, Math.ceil(stable / rules.target))
    })
    const reactedMs = (reaction?.at ?? Infinity) - stepAt
    measure('panic reaction', reactedMs / 1000, 's')
    const scales = course.desired.map(({ at, value }) => `${value} at ${seconds(at - stepAt)} s`).join(', ')
    expect(
      reactedMs / 1000,
      `Service panic, seconds from the load step to a desired scale above the stable window's (${scales})`,
    ).toBeLessThanOrEqual(2 * rules.panicWindow)

    const peak = Math.max(...course.desired.map(({ value }) => value))
    const peakAt = course.desired.find(({ value }) => value === peak)?.at ?? 0
    const down = course.desired.find(({ at, value }) => at > peakAt && value < peak)
    const heldMs = (down?.at ?? last) - (reaction?.at ?? 0)
    measure('pods wanted in panic', peak, 'pods')
    measure('time in panic without a decrease', heldMs / 1000, 's')
    // The autoscaler's clock starts with the decision, ours when we see its result.
    expect(
      ((down?.at ?? Infinity) - (reaction?.at ?? 0)) / 1000,
      `Service panic, seconds from panic to the first decrease of the desired scale (${scales})`,
    ).toBeGreaterThanOrEqual(rules.stableWindow - 0.5)
    const final = valueAt(course.desired, last)
    expect(final, `Service panic, desired scale at the end, after ${peak} in panic`).toBeLessThan(peak)
    expectScaledByFormulas(expect, loaded)
    return (
      `the autoscaler asked for ${peak} pods ${seconds(reactedMs)} s after the step, for no fewer during ` +
      `${seconds(heldMs)} s, and for ${final} at the end; none of ${samples.length} requests failed`
    )
  },
)

/** When the scale must have settled: two stable windows and a decision after the first request, and at the end. */
const settledAt = ({ rules, first, last }: LoadedRevision): number[] => [first + 2000 * (rules.stableWindow + 1), last]

/** Creates a calm Service, and sends it a steady load. */
async function loadSteadily(
  context: { stack: LoadedStack; attach: (name: string, text: string) => void },
  name: string,
  scaling: Record<string, string>,
  parameters: Record<string, number>,
): Promise<LoadedRevision & { scales: string }> {
  const namespace = await workloadNamespace(context.stack, name)
  const service = await context.stack.knative.service(namespace, name, { scaling: { ...CALM, ...scaling } })
  const loaded = await loadRevision(context, service, 'steady', { ...parameters, SECONDS: 16 })
  return { ...loaded, scales: loaded.course.desired.map(({ value }) => value).join(', ') }
}

const CONCURRENCY = { concurrency: 10, target: 4 }

check(
  'knative/scale-by-concurrency',
  {
    ...SCALING,
    asserts:
      'with metric concurrency the scale settles at ceil(concurrency / (target x utilization)), give or take 1, ' +
      'within two stable windows, and is always within the bounds of the measured load',
    guide: '4',
    remedy: SCALING_REMEDY,
  },
  async ({ stack, expect, measure, attach }) => {
    const { concurrency, target } = CONCURRENCY
    const parameters = { CONCURRENCY: concurrency, HOLD_MS: 500 }
    const loaded = await loadSteadily({ stack, attach }, 'concurrency', { target: String(target) }, parameters)
    const { samples, course, rules, last, scales } = loaded
    expectNoneFailed(expect, loaded)
    for (const moment of settledAt(loaded)) {
      const desired = valueAt(course.desired, moment) ?? 0
      const { low, high } = allowedAt(loaded, moment)
      const when = moment === last ? 'at the end' : 'after two windows'
      measure(`pods wanted ${when}`, desired, 'pods')
      measure(`pods by the formula ${when}, at most`, high, 'pods')
      expect(desired >= low - 1 && desired <= high + 1).toHold(
        `Service concurrency: the autoscaler asked for ${desired} pods ${when}; the measured load needs ${low} to ` +
          `${high}, give or take 1 (ceil(${concurrency} / ${rules.target}) = ${Math.ceil(concurrency / rules.target)})`,
      )
    }
    expectScaledByFormulas(expect, loaded)
    return (
      `for ${concurrency} concurrent requests and a target of ${rules.target.toFixed(1)} the autoscaler asked for ` +
      `${scales} pods, as the measured load needs; none of ${samples.length} requests failed`
    )
  },
)

const RPS = { rate: 20, target: 10 }

check(
  'knative/scale-by-rps',
  {
    ...SCALING,
    asserts:
      'with metric rps the scale settles at ceil(rate / (target x 0.7)), give or take 1, ' +
      'within two stable windows, and is always within the bounds of the measured load',
    guide: '4',
    remedy: SCALING_REMEDY,
  },
  async ({ stack, expect, measure, attach }) => {
    const { rate, target } = RPS
    const scaling = { metric: 'rps', target: String(target) }
    const loaded = await loadSteadily({ stack, attach }, 'rps', scaling, { RATE: rate })
    const { course, rules, last, scales } = loaded
    const needed = Math.ceil(rate / rules.target)
    measure('pods wanted at the end', valueAt(course.desired, last) ?? 0, 'pods')
    measure('pods by the formula', needed, 'pods')
    expectNoneFailed(expect, loaded)
    for (const moment of settledAt(loaded)) {
      const desired = valueAt(course.desired, moment) ?? 0
      expect(Math.abs(desired - needed) <= 1).toHold(
        `Service rps: the autoscaler asked for ${desired} pods at ${seconds(moment)} s; ` +
          `ceil(${rate} / (${target} x 0.7)) = ${needed} are needed, give or take 1`,
      )
    }
    expectScaledByFormulas(expect, loaded)
    const pods = `the autoscaler asked for ${scales} pods; ${needed} are needed`
    return `for ${rate} requests/s and a target of ${target} ${pods}`
  },
)

const BURST = 20

check(
  'knative/scale-from-zero',
  {
    ...SCALING,
    asserts: 'every request of a burst at zero pods gets 200, with its first byte within the cold-start budget',
    guide: '8',
    remedy: [
      'See in the picture (course.svg) how long the pods took to become Ready',
      'Check whether the nodes had to pull the image, had no room for the pods, or the program starts slowly',
      'Raise budgets.coldStartSeconds in stack.yaml if that start time is acceptable',
    ],
  },
  async ({ stack, expect, measure, attach }) => {
    const budgetMs = stack.config.budgets.coldStartSeconds * 1000
    const { service } = await stack.knative.scaledToZero('from-zero')
    const loaded = await loadRevision(
      { stack, attach },
      service,
      'scale-from-zero',
      {
        BURST,
        BUDGET_MS: budgetMs,
        TIMEOUT_MS: 60_000,
      },
      { cold: true },
    )
    const { samples, course } = loaded
    const [p50, p95, max] = [0.5, 0.95, 1].map((share) => latencyOf(samples, share)) as [number, number, number]
    measure('cold start, p50', p50, 'ms')
    measure('cold start, p95', p95, 'ms')
    measure('cold start, max', max, 'ms')
    expect(valueAt(course.ready, samples[0]?.due ?? 0), 'Service from-zero, Ready pods when the burst began').toBe(0)
    expect(samples.length, 'Service from-zero, completed requests of the burst').toBe(BURST)
    expectNoneFailed(expect, loaded)
    expect(max, 'Service from-zero, milliseconds until the last first byte').toBeLessThanOrEqual(budgetMs)
    const [median, high, slowest] = [p50, p95, max].map(Math.round)
    return (
      `all ${samples.length} requests at zero pods got 200: ` +
      `first byte after ${median} ms (p50), ${high} ms (p95), ${slowest} ms (max)`
    )
  },
)

// Spare capacity is 10 - 4 - concurrency: positive for 1 concurrent request, negative for 9.
const FLIP = { LOW: 1, HIGH: 9, HOLD_MS: 500, LOW_SECONDS: 6, HIGH_SECONDS: 7, AGAIN_SECONDS: 7 }

check(
  'knative/activator-flips',
  {
    ...SCALING,
    asserts:
      'load above the spare burst capacity changes the mode from Serve to Proxy, less load changes it back, ' +
      'and no request fails',
    guide: '8',
    remedy: [
      "Check the ServerlessService's spec.mode and the endpoints of the revision's public Service",
      'Check that both the activator and the pods answer: during a change of mode requests take either path',
    ],
  },
  async ({ stack, expect, measure, attach }) => {
    const namespace = await workloadNamespace(stack, 'flip')
    const scaling = {
      ...{ window: '6s', 'panic-window-percentage': '50', 'panic-threshold-percentage': '1000' },
      ...{ 'min-scale': '1', 'max-scale': '1', target: '10', 'target-burst-capacity': '4' },
    }
    const service = await stack.knative.service(namespace, 'flip', { scaling })
    const loaded = await loadRevision({ stack, attach }, service, 'flip', FLIP)
    const { samples, course } = loaded
    const high = samples.filter(({ part }) => part === 'high')
    const again = samples.filter(({ part }) => part === 'again')
    const modes = course.mode.filter(({ at }) => at >= (samples[0]?.due ?? 0) - 1000).map(({ value }) => value)
    const secondsUntil = (mode: string, from = 0) =>
      ((course.mode.find(({ at, value }) => at > from && value === mode)?.at ?? NaN) - from) / 1000
    expectNoneFailed(expect, loaded)
    expect(
      valueAt(course.mode, high[0]?.due ?? 0),
      'ServerlessService of Service flip, mode with 1 concurrent request',
    ).toBe('Serve')
    expect(
      valueAt(course.mode, again[0]?.due ?? 0),
      `ServerlessService of Service flip, mode with ${FLIP.HIGH} concurrent requests (modes: ${modes.join(', ')})`,
    ).toBe('Proxy')
    expect(
      course.mode.at(-1)?.value,
      `ServerlessService of Service flip, mode with 1 concurrent request again (modes: ${modes.join(', ')})`,
    ).toBe('Serve')
    expect(modeViolationsOf(loaded), 'Modes that the spare burst capacity does not allow').toBeNone()
    const toProxy = secondsUntil('Proxy', high[0]?.due)
    const toServe = secondsUntil('Serve', again[0]?.due)
    measure('time to Proxy', toProxy, 's')
    measure('time to Serve', toServe, 's')
    return (
      `the mode changed to Proxy ${toProxy.toFixed(1)} s after the load rose and back to Serve ` +
      `${toServe.toFixed(1)} s after it fell; none of ${samples.length} requests failed`
    )
  },
)
