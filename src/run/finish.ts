import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadCatalogue } from '../check/catalogue.ts'
import { allureFolder, journalFile, runFolder, writeRunInfo, type RunInfo } from '../config/run-info.ts'
import { completeAllureResults, makeAllurePage } from '../report/allure.ts'
import { buildReport, readClusterFacts, type ClusterFacts, type RunEnd } from '../report/build-report.ts'
import { pageOf } from '../report/html.ts'
import { junitOf } from '../report/junit.ts'
import type { Report } from '../report/report-schema.ts'
import { summaryOf } from '../report/summary.ts'
import { Journal } from '../cluster/journal.ts'
import { loadKubeConfig } from '../kube/connection.ts'
import { Kubernetes } from '../kube/kubernetes.ts'
import { undoAll } from '../cluster/undo.ts'
import type { ThreadWork } from './in-thread.ts'

/** The same as the work of a thread. */
export const work: ThreadWork<RunEnding, Report> = (ending, tell) => finishRun(ending, tell)

/** A run whose checks are done; `died` says why its target is gone, where it is. */
export interface RunEnding {
  run: RunInfo
  interrupted: boolean
  died?: string | undefined
}

/** Undoes what the run left open, asks the cluster for its versions and nodes, and writes every report. */
export async function finishRun({ run, interrupted, died }: RunEnding, tell: (what: string) => void): Promise<Report> {
  if (died) return report(run, { interrupted, died, leftBehind: [], versions: {}, topology: [] }, tell)
  const kubeConfig = loadKubeConfig(run.config.kubeconfig, run.context)
  const api = new Kubernetes(kubeConfig)
  let facts: ClusterFacts
  let leftBehind: string[]
  try {
    const reading = readClusterFacts(api)
    leftBehind = await undoAll(api, new Journal(journalFile(run.id)), tell)
    facts = await reading
  } finally {
    await kubeConfig.close()
  }
  return report(run, { interrupted, leftBehind, ...facts }, tell)
}

async function report(run: RunInfo, end: Omit<RunEnd, 'endedAt'>, tell: (what: string) => void): Promise<Report> {
  const endedAt = new Date()
  writeRunInfo({ ...run, endedAt: endedAt.toISOString() })
  const made = buildReport(run, await loadCatalogue(), { endedAt, ...end })
  tell('writing the reports')
  await writeReports(made)
  return made
}

/** Writes report.json and all that is made of it: JUnit, Allure, Markdown and our own page. */
export async function writeReports(report: Report): Promise<void> {
  const folder = runFolder(report.run)
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(join(folder, 'junit.xml'), junitOf(report))
  writeFileSync(join(folder, 'summary.md'), summaryOf(report))
  writeFileSync(join(folder, 'index.html'), pageOf(report))
  completeAllureResults(allureFolder(report.run), report)
  await makeAllurePage(
    allureFolder(report.run),
    join(folder, 'allure.html'),
    `Plumbline ${report.run}: ${report.verdict}`,
  )
}
