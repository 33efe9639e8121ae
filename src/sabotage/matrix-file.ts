import { existsSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { runFolder } from '../config/run-info.ts'
import { UsageProblem } from '../core/problem.ts'
import { matrixPage } from './matrix-page.ts'
import type { MatrixReport } from './matrix-report.ts'

const fileOf = (run: string): string => join(runFolder(run), 'sabotage.json')

/** Writes sabotage.json and sabotage.html into the run's folder. */
export function writeMatrix(report: MatrixReport): void {
  mkdirSync(runFolder(report.run), { recursive: true })
  writeFileAtomic.sync(fileOf(report.run), `${JSON.stringify(report, null, 2)}\n`)
  writeFileAtomic.sync(join(runFolder(report.run), 'sabotage.html'), matrixPage(report))
}

/** The ids of the runs in reports/ that have a sabotage matrix, oldest first. */
export const matrixRuns = (): string[] =>
  globSync('*/sabotage.json', { cwd: runFolder('.') })
    .map(dirname)
    .toSorted()

/**
 * Reads the matrix of a run.
 * @throws UsageProblem where that run has none
 */
export function readMatrix(run: string): MatrixReport {
  if (!existsSync(fileOf(run)))
    throw new UsageProblem(`reports/${run} holds no sabotage matrix. Name a run of plumbline sabotage.`)
  return JSON.parse(readFileSync(fileOf(run), 'utf8')) as MatrixReport
}
