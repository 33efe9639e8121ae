import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageProblem } from '../core/problem.ts'
import { runFolder } from '../config/run-info.ts'
import { matrixPage } from './matrix-page.ts'
import type { Sabotage } from './sabotage.ts'
import type { Trial } from './trial.ts'

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

/** Whether every check that had to notice a sabotage did, nothing else failed, and the stack was healthy before and after. */
export const isDetected = ({ missed, falseAlarms, problem }: Trial): boolean =>
  missed.length === 0 && falseAlarms.length === 0 && problem === undefined

/** Whether a matrix is clean: all detected, and no check without a sabotage. */
export const isClean = ({ trials, without }: Pick<MatrixReport, 'trials' | 'without'>): boolean =>
  trials.length > 0 && trials.every(isDetected) && without.length === 0

/** The checks that no sabotage names. */
export function unsabotaged(checks: readonly string[], sabotages: readonly Sabotage[]): string[] {
  const named = new Set(sabotages.flatMap(({ fails }) => fails))
  return checks.filter((id) => !named.has(id))
}

/** The last lines of a matrix: its counts, and what is wrong with each trial that is not as it must be. */
export function tellMatrix({ trials, without, skipped, seconds }: MatrixReport): string[] {
  const list = (what: string, of: (trial: Trial) => string[]) => {
    const found = trials.flatMap((trial) => of(trial).map((each) => `${each} (${trial.sabotage})`))
    return `${what}: ${found.length ? found.join(', ') : 'none'}`
  }
  return [
    `detected: ${trials.filter(isDetected).length} of ${trials.length} in ${seconds.toFixed(0)} s`,
    list('missed', ({ missed }) => missed),
    list('false alarms', ({ falseAlarms }) => falseAlarms),
    ...trials.flatMap(({ sabotage, problem }) => (problem ? [`not tried rightly: ${sabotage}: ${problem}`] : [])),
    ...(skipped.length ? [`not for this target: ${skipped.map(({ sabotage }) => sabotage).join(', ')}`] : []),
    `checks with no sabotage: ${without.length ? without.join(', ') : 'none'}`,
  ]
}

const fileOf = (run: string): string => join(runFolder(run), 'sabotage.json')

/** Writes sabotage.json and sabotage.html into the run's folder. */
export function writeMatrix(report: MatrixReport): void {
  mkdirSync(runFolder(report.run), { recursive: true })
  writeFileSync(fileOf(report.run), `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(join(runFolder(report.run), 'sabotage.html'), matrixPage(report))
}

/**
 * Reads the matrix of a run.
 * @throws UsageProblem where that run has none
 */
export function readMatrix(run: string): MatrixReport {
  if (!existsSync(fileOf(run)))
    throw new UsageProblem(`There is no sabotage matrix in reports/${run}: give the run of one.`)
  return JSON.parse(readFileSync(fileOf(run), 'utf8')) as MatrixReport
}

/** One outcome that two targets do not share. */
export interface Difference {
  sabotage: string
  phase: 'healthy' | 'broken'
  check: string
  here: string
  there: string
}

/** Every pair of a check and a phase of a sabotage whose outcomes differ between two matrices; only what both have tried. */
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
