import { isQuiet, type ShapeTrial } from './shape-trial.ts'

/** What the tried shapes came to. */
export interface ShapesReport {
  run: string
  target: string
  context: string
  endedAt: string
  seconds: number
  trials: ShapeTrial[]
  /** Shapes that this target cannot have, and why. */
  skipped: { shape: string; why: string }[]
}

/** Whether no check complained of any of the shapes. */
export const isAllQuiet = ({ trials }: Pick<ShapesReport, 'trials'>): boolean =>
  trials.length > 0 && trials.every(isQuiet)

/** How many checks of a trial had an outcome. */
export const countOf = ({ outcomes }: ShapeTrial, outcome: string): number =>
  Object.values(outcomes).filter((each) => each === outcome).length

/** What is wrong with a trial, a sentence each. */
export const complaintsOf = ({ falseAlarms, problem }: ShapeTrial): string[] => [
  ...falseAlarms.map(({ check, outcome, said }) => `${check}: ${outcome}: ${said.split('\n')[0]}`),
  ...(problem ? [problem] : []),
]

/** The line of a trial that has ended, and under it what the checks complained of. */
export function trialLines(trial: ShapeTrial): string[] {
  const counts = `${countOf(trial, 'pass')} passed, ${countOf(trial, 'blocked')} blocked`
  const seconds = `${trial.seconds.toFixed(0)}s`.padStart(5)
  const reasons = trial.explained.length ? `, ${trial.explained.length} with a reason` : ''
  const verdict = isQuiet(trial) ? 'quiet ' : 'ALARM '
  return [
    `${verdict} ${trial.shape.padEnd(26)} ${seconds}  ${counts}${reasons}`,
    ...complaintsOf(trial).map((complaint) => `         ${complaint}`),
  ]
}

/** The last lines: how many shapes were quiet, and what was not. */
export function tellShapes({ trials, skipped, seconds }: ShapesReport): string[] {
  const alarms = trials.flatMap(({ shape, falseAlarms }) => falseAlarms.map(({ check }) => `${check} (${shape})`))
  const needless = trials.flatMap(({ shape, needless: some }) => some.map((check) => `${check} (${shape})`))
  return [
    `quiet: ${trials.filter(isQuiet).length} of ${trials.length} in ${seconds.toFixed(0)} s`,
    `false alarms: ${alarms.length ? alarms.join(', ') : 'none'}`,
    ...trials.flatMap(({ shape, problem }) => (problem ? [`inconclusive: ${shape}: ${problem}`] : [])),
    ...(needless.length ? [`explained, though they passed: ${needless.join(', ')}`] : []),
    ...skipped.map(({ shape, why }) => `not possible on this target: ${shape}: ${why}`),
  ]
}
