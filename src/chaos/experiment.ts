import type { CheckContext } from '../check/check.ts'
import { deadline } from '../core/deadlines.ts'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { LoadRun } from '../load/load-run.ts'
import { drawCourse } from '../load/picture.ts'
import { failuresOf, type Sample } from '../traffic/samples.ts'
import { recordWhile, stepsOf, type Snapshot } from '../cluster/timeline.ts'
import type { Watched } from '../kube/watch.ts'

const RATE = 20
/** The deadlines of the checks that do a fault: the traffic must not end before the longest of them. */
const FAULT_CHECKS = ['faultCheck', 'nlbCheck', 'drainCheck'] as const
// Two seconds of only good answers are a steady state; failures before it are not caused by the fault.
const STEADY = 2 * RATE

/** What is watched through a fault, and what of it the picture shows. */
export interface WatchedThrough extends Watched {
  title: string
  count: (objects: KubernetesObject[]) => number
}

/** What a fault did to the traffic that ran through it. Times are in milliseconds since the traffic began. */
export interface Observed<T> {
  samples: Sample[]
  /** From the first thing done to the last that was waited for. */
  fault: { from: number; to: number }
  failed: number
  failures: Record<string, number>
  /** The longest time in which no request that came got a good answer. */
  longestGapMs: number
  /** From the fault to the last failure, 0 if none failed. */
  recoveredMs: number
  snapshots: Snapshot[][]
  result: T
}

/**
 * How many seconds the traffic under a fault is given. It is ended when the fault's work is over; this only bounds it.
 */
export const trafficSeconds = (): number => Math.ceil(Math.max(...FAULT_CHECKS.map(deadline)) / 1000)

/**
 * Runs a fault like every experiment: steady traffic before it, the fault with all that it waits for, steady traffic
 * after it. Objects to watch are recorded throughout. Attaches the picture, and takes the measurements.
 * @throws StackFailure if the traffic is not steady before, or does not become steady again; LoadProblem if k6 failed
 */
export async function throughFault<T>(
  { stack, attach, measure }: Pick<CheckContext, 'stack' | 'attach' | 'measure'>,
  { name, host, watched = [] }: { name: string; host: string; watched?: WatchedThrough[] },
  fault: (traffic: LoadRun) => Promise<T>,
): Promise<Observed<T>> {
  await stack.ingress.until({ host, within: 'coldRequest' }, ({ status }) => status === 200)
  const began = performance.now()
  const traffic = await stack.load.start(
    'background',
    { host, parameters: { RATE, SECONDS: trafficSeconds(), FAILED: 1_000_000 } },
    began,
  )
  const snapshots: Snapshot[][] = []
  const window = { from: 0, to: 0 }
  const experiment = async (): Promise<T> => {
    await failUnlessSteady(traffic)
    window.from = traffic.now
    const result = await fault(traffic)
    window.to = traffic.now
    await traffic.untilInARow('steady traffic after the fault', STEADY, isGood, 'steady')
    return result
  }
  let record = experiment
  for (const [at, watch] of watched.entries()) {
    const inner = record
    record = async () => {
      const recorded = await recordWhile(stack.k8s, watch, inner, began)
      snapshots[at] = recorded.snapshots
      return recorded.result
    }
  }
  let result: T
  try {
    result = await record()
  } catch (problem) {
    window.to ||= traffic.now
    // What it came to is not judged any more.
    await traffic.end().catch(() => undefined)
    attach('course.svg', await picture(name, traffic.samples, window, watched, snapshots))
    throw problem
  }
  const { samples } = await traffic.end()
  attach('course.svg', await picture(name, samples, window, watched, snapshots))
  const bad = samples.filter((sample) => !isGood(sample))
  const observed: Observed<T> = {
    samples,
    fault: window,
    failed: bad.length,
    failures: failuresOf(samples),
    longestGapMs: longestGap(samples),
    recoveredMs: Math.max(0, ...bad.map(({ due, ms }) => due + ms - window.from)),
    snapshots,
    result,
  }
  measure('requests', samples.length, 'requests')
  measure('failed requests', observed.failed, 'requests')
  measure('longest gap', observed.longestGapMs / 1000, 's')
  measure('time to recover', observed.recoveredMs / 1000, 's')
  measure("the fault's window", (window.to - window.from) / 1000, 's')
  return observed
}

const isGood = ({ status }: Sample): boolean => status === 200

async function failUnlessSteady(traffic: LoadRun): Promise<void> {
  await traffic.until(
    'steady traffic before the fault',
    (samples) => (samples.length < STEADY ? `${samples.length} of ${STEADY} requests` : undefined),
    'steady',
  )
  const failures = failuresOf(traffic.samples)
  if (Object.keys(failures).length > 0)
    throw new StackFailure(
      `traffic was not steady before the fault: ${traffic.samples.length} requests were sent, ` +
        `failures: ${describeFailures(failures)}`,
    )
}

/** The failures of a sample in words: '3 with 503, 1 with ECONNRESET'. */
export const describeFailures = (failures: Record<string, number>): string =>
  Object.entries(failures)
    .map(([failure, count]) => `${count} with ${failure}`)
    .join(', ')

/**
 * The longest time between two successive requests that got 200, by when they were sent.
 */
export function longestGap(samples: readonly Sample[]): number {
  const good = samples
    .filter(isGood)
    .map(({ due }) => due)
    .toSorted((a, b) => a - b)
  return Math.max(0, ...good.slice(1).map((due, at) => due - good[at]!))
}

const picture = (
  title: string,
  samples: readonly Sample[],
  { from, to }: { from: number; to: number },
  watched: readonly WatchedThrough[],
  snapshots: readonly (Snapshot[] | undefined)[],
): Promise<string> =>
  drawCourse({
    title,
    samples,
    spans: from ? [{ name: 'fault', from, to }] : [],
    stairs: watched.map(({ title: own, count }, at) => ({ name: own, steps: stepsOf(snapshots[at] ?? [], count) })),
  })
