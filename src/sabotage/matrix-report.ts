import type { Sabotage } from './sabotage.ts'
import { type Trial, isDetected } from './trial.ts'

/** What a sabotage matrix came to. */
export interface MatrixReport {
  run: string
  target: string
  context: string
  endedAt: string
  seconds: number
  trials: Trial[]
  /** Sabotages that this target cannot have, and why. */
  skipped: { sabotage: string; why: string }[]
  /** Checks that no sabotage names. */
  without: string[]
}

/** Whether a matrix is clean: all detected, and no check without a sabotage. */
export const isClean = ({ trials, without }: Pick<MatrixReport, 'trials' | 'without'>): boolean =>
  trials.length > 0 && trials.every(isDetected) && without.length === 0

/** The checks that no sabotage names. */
export function unsabotaged(checks: readonly string[], sabotages: readonly Sabotage[]): string[] {
  const named = new Set(sabotages.flatMap(({ fails }) => fails))
  return checks.filter((id) => !named.has(id))
}

/** The last lines of a matrix: its counts, and what is wrong with each trial that did not detect its fault alone. */
export function tellMatrix({ trials, without, skipped, seconds }: MatrixReport): string[] {
  const list = (what: string, checksOf: (trial: Trial) => string[]) => {
    const found = trials.flatMap((trial) => checksOf(trial).map((check) => `${check} (${trial.sabotage})`))
    return `${what}: ${found.length ? found.join(', ') : 'none'}`
  }
  return [
    `detected: ${trials.filter(isDetected).length} of ${trials.length} in ${seconds.toFixed(0)} s`,
    list('missed', ({ missed }) => missed),
    list('false alarms', ({ falseAlarms }) => falseAlarms),
    ...trials.flatMap(({ sabotage, problem }) => (problem ? [`inconclusive: ${sabotage}: ${problem}`] : [])),
    ...(skipped.length ? [`not possible on this target: ${skipped.map(({ sabotage }) => sabotage).join(', ')}`] : []),
    `checks without a sabotage: ${without.length ? without.join(', ') : 'none'}`,
  ]
}

/** One outcome that two targets do not share. */
export interface Difference {
  sabotage: string
  phase: 'healthy' | 'broken'
  check: string
  here: string
  there: string
}

/**
 * Every pair of a check and a phase of a sabotage whose outcomes differ between two matrices; only what both have
 * tried.
 */
export function differences(here: MatrixReport, there: MatrixReport): { compared: number; differing: Difference[] } {
  const others = new Map(there.trials.map((trial) => [trial.sabotage, trial]))
  let compared = 0
  const differing: Difference[] = []
  for (const trial of here.trials) {
    const other = others.get(trial.sabotage)
    if (!other) continue
    for (const phase of ['healthy', 'broken'] as const) {
      for (const [check, outcome] of Object.entries(trial[phase])) {
        const theirs = other[phase][check]
        // What a target cannot offer says nothing of the other.
        if (theirs === undefined || outcome === 'skipped' || theirs === 'skipped') continue
        compared++
        if (theirs !== outcome) differing.push({ sabotage: trial.sabotage, phase, check, here: outcome, there: theirs })
      }
    }
  }
  return { compared, differing }
}
