import type { CheckRecord, Wait } from '../core/record.ts'
import { counted } from '../core/counted.ts'

/** One check of the path: what it took, in seconds, and how much of that it waited, by what it waited for. */
export interface PathStep {
  id: string
  /** Seconds since the run began. */
  from: number
  seconds: number
  /**
   * Seconds in which it waited for the stack or for traffic that its assertion demands: what no faster harness could
   * save.
   */
  mandated: number
  /** Its longest wait. */
  longest: { what: string; seconds: number } | undefined
}

export interface CriticalPath {
  /** In the order in which they ran. */
  steps: PathStep[]
  /** The sum over all steps, and what of it was mandated. */
  seconds: number
  mandated: number
}

type Timed = Pick<CheckRecord, 'id' | 'startedAt' | 'ms' | 'waits'>

// A check starts when the one before it has ended, but for what the runner does between the two.
const SLACK_MS = 20

/**
 * The checks that made a run as long as it was: the last that ended, the one whose end let that start, and so on back
 * to the first. Those beside them could have taken longer without the run taking longer.
 */
export function criticalPath(startedAt: string, checks: readonly Timed[]): CriticalPath {
  const began = Date.parse(startedAt)
  const ran = checks
    .filter(({ ms }) => ms > 0)
    .map((check) => ({ check, from: Date.parse(check.startedAt), to: Date.parse(check.startedAt) + check.ms }))
    .toSorted((a, b) => a.to - b.to)
  const path: typeof ran = []
  for (let step = ran.at(-1); step;) {
    path.unshift(step)
    const { from, to } = step
    step = ran.findLast((other) => other.to <= from + SLACK_MS && other.to < to)
  }
  const steps = path.map(({ check, from }) => stepOf(check, (from - began) / 1000))
  const sum = (secondsOf: (step: PathStep) => number) => steps.reduce((total, step) => total + secondsOf(step), 0)
  return { steps, seconds: sum(({ seconds }) => seconds), mandated: sum(({ mandated }) => mandated) }
}

/** The path in one line. */
export const tellPath = ({
  steps,
  seconds,
  mandated,
}: Pick<CriticalPath, 'seconds' | 'mandated'> & { steps: readonly unknown[] }): string =>
  `critical path: ${counted(steps.length, 'check')} took ${seconds.toFixed(1)} s; ` +
  `${mandated.toFixed(1)} s of that they waited for the stack or for traffic`

function stepOf({ id, ms, waits }: Timed, from: number): PathStep {
  const mandated = waits.filter((wait) => wait.for === 'stack' || wait.for === 'traffic')
  const [longest] = waits.toSorted((a, b) => lengthOf(b) - lengthOf(a))
  return {
    id,
    from,
    seconds: ms / 1000,
    mandated: covered(mandated) / 1000,
    longest: longest && { what: longest.what, seconds: lengthOf(longest) / 1000 },
  }
}

const lengthOf = ({ from, to }: Wait): number => to - from

/** How many milliseconds the waits cover; those that overlap count once. */
function covered(waits: readonly Wait[]): number {
  let sum = 0
  let until = 0
  for (const { from, to } of waits.toSorted((a, b) => a.from - b.from)) {
    sum += Math.max(0, to - Math.max(from, until))
    until = Math.max(until, to)
  }
  return sum
}
