import { workloadNamespace } from '../../src/cluster/workload.ts'
import { check } from '../../src/check/check.ts'
import {
  allowedAt,
  loadRevision,
  modesOutside,
  wantedOutside,
  type LoadedRevision,
} from '../../src/knative/load-revision.ts'
import { failuresOf, latencyOf } from '../../src/traffic/samples.ts'
import { valueAt } from '../../src/kube/timeline.ts'

// What these have in common: a target in pods that few pods reach, and panic kept out where it is not the point.
const CALM = { window: '6s', 'panic-threshold-percentage': '1000' }

// The longest comes first, so that it has the first turn to send load.
// A long stable window against a short one of panic: what panic alone can have asked for is told from the rest.
const PANIC = { window: '12s', 'panic-window-percentage': '25', 'panic-threshold-percentage': '200', target: '5' }
const STEP = { CALM: 1, STEP: 12, HOLD_MS: 500, CALM_SECONDS: 6, STEP_SECONDS: 7, AFTER_SECONDS: 18 }

check(
  'knative/panic-mode',
  {
    asserts:
      'a step over the panic threshold scales within two panic windows, by more than the stable window alone would; nothing is taken away for a stable window; then it is back to stable',
    guide: '4',
    level: 'required',
    effect: 'writes',
    within: 'scalingCheck',
    requires: ['k6'],
    needs: ['knative/hello-through-lb', 'knative/annotations-applied'],
    remedy:
      'the autoscaler logs PANICKING. and Un-panicking.; see panic-window-percentage and panic-threshold-percentage on the PodAutoscaler, and max-scale',
  },
  async ({ stack, expect, measure, attach }) => {
    const namespace = await workloadNamespace(stack, 'panic')
    const service = await stack.knative.service(namespace, 'panic', { scaling: PANIC })
    const loaded = await loadRevision({ stack, attach }, service, 'panic', STEP)
    const { samples, course, rules, allowed, last } = loaded
    const stepAt = samples.find(({ part }) => part === 'step')?.due ?? 0
    expect(failuresOf(samples), `answers that are not 200, of ${samples.length}`).toEqual({})

    const reaction = course.wanted.find(({ at, value }) => {
      const stable = allowed.findLast((each) => each.at <= at)?.stable.to ?? 0
      return at > stepAt && value > Math.max(1, Math.ceil(stable / rules.target))
    })
    const reactedMs = (reaction?.at ?? Infinity) - stepAt
    measure('panic reaction', reactedMs / 1000, 's')
    expect(
      reactedMs / 1000,
      `seconds from the step until more pods were wanted than the stable window alone asks for (wanted: ${course.wanted.map(({ at, value }) => `${value} at ${((at - stepAt) / 1000).toFixed(1)} s`).join(', ')})`,
    ).toBeLessThanOrEqual(2 * rules.panicWindow)

    const peak = Math.max(...course.wanted.map(({ value }) => value))
    const peakAt = course.wanted.find(({ value }) => value === peak)?.at ?? 0
    const down = course.wanted.find(({ at, value }) => at > peakAt && value < peak)
    measure('pods wanted in panic', peak, 'pods')
    measure('time in panic without a decrease', ((down?.at ?? last) - (reaction?.at ?? 0)) / 1000, 's')
    // The autoscaler's clock starts with the decision, ours when its result was seen.
    expect(
      ((down?.at ?? Infinity) - (reaction?.at ?? 0)) / 1000,
      'seconds from panic to the first decrease, at least a stable window',
    ).toBeGreaterThanOrEqual(rules.stableWindow - 0.5)
    expect(valueAt(course.wanted, last), `pods wanted at the end, back to stable (${peak} in panic)`).toBeLessThan(peak)
    expect(wantedOutside(loaded), 'moments at which other than the formulas allow was wanted').toBeNone()
    return `${peak} pods wanted ${(reactedMs / 1000).toFixed(1)} s after the step, none taken away for ${(((down?.at ?? last) - (reaction?.at ?? 0)) / 1000).toFixed(1)} s, ${valueAt(course.wanted, last)} in the end; ${samples.length} requests, none failed`
  },
)

/** The moments at which it must have settled: two stable windows and a decision after the first request, and at the end. */
const settledAt = ({ rules, first, last }: LoadedRevision): number[] => [first + 2000 * (rules.stableWindow + 1), last]

const CONCURRENCY = { concurrency: 10, target: 4 }

check(
  'knative/scale-by-concurrency',
  {
    asserts:
      'pods settle at ceil(concurrency / (target x utilization)), at most one off, within two stable windows; at every moment as many are wanted as the formulas allow',
    guide: '4',
    level: 'required',
    effect: 'writes',
    within: 'scalingCheck',
    requires: ['k6'],
    needs: ['knative/hello-through-lb'],
    remedy:
      "look at the autoscaler's log for the revision (PA scale got=, want=), at whether it can scrape the queue-proxies, and at max-scale in config-autoscaler",
  },
  async ({ stack, expect, measure, attach }) => {
    const namespace = await workloadNamespace(stack, 'concurrency')
    const scaling = { ...CALM, target: String(CONCURRENCY.target) }
    const service = await stack.knative.service(namespace, 'concurrency', { scaling })
    const loaded = await loadRevision({ stack, attach }, service, 'steady', {
      CONCURRENCY: CONCURRENCY.concurrency,
      HOLD_MS: 500,
      SECONDS: 16,
    })
    const { samples, course, rules, last } = loaded
    expect(failuresOf(samples), `answers that are not 200, of ${samples.length}`).toEqual({})
    for (const moment of settledAt(loaded)) {
      const wanted = valueAt(course.wanted, moment) ?? 0
      const { low, high } = allowedAt(loaded, moment)
      const when = moment === last ? 'at the end' : 'after two windows'
      measure(`pods wanted ${when}`, wanted, 'pods')
      measure(`pods by the formula ${when}, at most`, high, 'pods')
      const told = `pods wanted ${when}, by the formula ${low} to ${high} for what was under way (${CONCURRENCY.concurrency} / ${rules.target} is ${Math.ceil(CONCURRENCY.concurrency / rules.target)})`
      expect(wanted, told).toBeGreaterThanOrEqual(low - 1)
      expect(wanted, told).toBeLessThanOrEqual(high + 1)
    }
    expect(wantedOutside(loaded), 'moments at which other than the formulas allow was wanted').toBeNone()
    return `${CONCURRENCY.concurrency} at once, target ${rules.target.toFixed(1)}: ${course.wanted.map(({ value }) => value).join(', ')} pods wanted, as the formulas ask; ${samples.length} requests, none failed`
  },
)

const RPS = { rate: 20, target: 10 }

check(
  'knative/scale-by-rps',
  {
    asserts:
      'with metric rps pods settle at ceil(rate / (target x 0.7)), at most one off, within two stable windows; at every moment as many are wanted as the formulas allow',
    guide: '4',
    level: 'required',
    effect: 'writes',
    within: 'scalingCheck',
    requires: ['k6'],
    needs: ['knative/hello-through-lb'],
    remedy:
      "look at the autoscaler's log for the revision (PA scale got=, want=) and at whether it can scrape the queue-proxies; the 70 % of rps has no key",
  },
  async ({ stack, expect, measure, attach }) => {
    const namespace = await workloadNamespace(stack, 'rps')
    const scaling = { ...CALM, metric: 'rps', target: String(RPS.target) }
    const service = await stack.knative.service(namespace, 'rps', { scaling })
    const loaded = await loadRevision({ stack, attach }, service, 'steady', { RATE: RPS.rate, SECONDS: 16 })
    const { samples, course, rules, last } = loaded
    const expected = Math.ceil(RPS.rate / rules.target)
    measure('pods wanted at the end', valueAt(course.wanted, last) ?? 0, 'pods')
    measure('pods by the formula', expected, 'pods')
    expect(failuresOf(samples), `answers that are not 200, of ${samples.length}`).toEqual({})
    for (const moment of settledAt(loaded)) {
      expect(
        Math.abs((valueAt(course.wanted, moment) ?? 0) - expected),
        `pods wanted at ${(moment / 1000).toFixed(1)} s (${valueAt(course.wanted, moment)}) against ceil(${RPS.rate} / (${RPS.target} x 0.7)) = ${expected}`,
      ).toBeLessThanOrEqual(1)
    }
    expect(wantedOutside(loaded), 'moments at which other than the formulas allow was wanted').toBeNone()
    return `${RPS.rate} requests a second, target ${RPS.target}: ${course.wanted.map(({ value }) => value).join(', ')} pods wanted, ${expected} by the formula`
  },
)

const BURST = 20

check(
  'knative/scale-from-zero',
  {
    asserts:
      'a burst on zero pods: every request is answered 200 and none lost, the first byte within the cold-start budget',
    guide: '8',
    level: 'required',
    effect: 'writes',
    within: 'scalingCheck',
    requires: ['k6'],
    needs: ['knative/hello-through-lb'],
    remedy:
      'the picture shows when pods were wanted and when Ready: an image to be pulled, no room on the nodes, or a slow program; the budget is budgets.coldStartSeconds in stack.yaml',
  },
  async ({ stack, expect, measure, attach }) => {
    const budgetMs = stack.config.budgets.coldStartSeconds * 1000
    const { service } = await stack.knative.broughtToZero('from-zero')
    const { samples, course } = await loadRevision(
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
    const [p50, p95, max] = [0.5, 0.95, 1].map((share) => latencyOf(samples, share)) as [number, number, number]
    measure('cold start, p50', p50, 'ms')
    measure('cold start, p95', p95, 'ms')
    measure('cold start, max', max, 'ms')
    expect(valueAt(course.ready, samples[0]?.due ?? 0), 'pods Ready when the burst came').toBe(0)
    expect(samples.length, 'requests of the burst that came to an end').toBe(BURST)
    expect(failuresOf(samples), `answers that are not 200, of ${samples.length}`).toEqual({})
    expect(max, 'milliseconds until the last first byte').toBeLessThanOrEqual(budgetMs)
    return `${samples.length} requests on zero pods, none lost: first bytes after ${Math.round(p50)} ms (p50), ${Math.round(p95)} ms (p95), ${Math.round(max)} ms (max)`
  },
)

// Spare: 10 - 4 - what is under way, so that 1 at once leaves some and 9 leave none.
const FLIP = { LOW: 1, HIGH: 9, HOLD_MS: 500, LOW_SECONDS: 6, HIGH_SECONDS: 7, AGAIN_SECONDS: 7 }

check(
  'knative/activator-flips',
  {
    asserts:
      'load that crosses the spare burst capacity both ways turns the mode from Serve to Proxy and back to Serve, with no failed request',
    guide: '8',
    level: 'required',
    effect: 'writes',
    within: 'scalingCheck',
    requires: ['k6'],
    needs: ['knative/hello-through-lb'],
    remedy:
      "see the ServerlessService's spec.mode and the endpoints of the revision's Service; while they turn, requests go both ways, and both must answer",
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
    const turned = (mode: string, from: number | undefined) =>
      ((course.mode.find(({ at, value }) => at > (from ?? 0) && value === mode)?.at ?? NaN) - (from ?? 0)) / 1000
    expect(failuresOf(samples), `answers that are not 200, of ${samples.length}`).toEqual({})
    expect(valueAt(course.mode, high[0]?.due ?? 0), 'the mode with 1 request at once').toBe('Serve')
    expect(
      valueAt(course.mode, again[0]?.due ?? 0),
      `the mode with ${FLIP.HIGH} at once on a spare capacity of 6 (modes: ${modes.join(', ')})`,
    ).toBe('Proxy')
    expect(course.mode.at(-1)?.value, `the mode with 1 request at once again (modes: ${modes.join(', ')})`).toBe(
      'Serve',
    )
    expect(modesOutside(loaded), 'moments at which the mode was not that of the spare burst capacity').toBeNone()
    measure('time to Proxy', turned('Proxy', high[0]?.due), 's')
    measure('time to Serve', turned('Serve', again[0]?.due), 's')
    return `Serve, Proxy after ${turned('Proxy', high[0]?.due).toFixed(1)} s of more load, Serve ${turned('Serve', again[0]?.due).toFixed(1)} s after less; ${samples.length} requests, none failed`
  },
)
