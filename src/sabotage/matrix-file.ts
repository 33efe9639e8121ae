import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
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

/**
 * Reads the matrix of a run.
 * @throws UsageProblem where that run has none
 */
export function readMatrix(run: string): MatrixReport {
  if (!existsSync(fileOf(run)))
    throw new UsageProblem(`There is no sabotage matrix in reports/${run}: give the run of one.`)
  return JSON.parse(readFileSync(fileOf(run), 'utf8')) as MatrixReport
}
