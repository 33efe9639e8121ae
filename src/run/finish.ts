import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadCatalogue } from '../check/catalogue.ts'
import { allureFolder, journalFile, runFolder, writeRunInfo, type RunInfo } from '../check/run-info.ts'
import { completeAllureResults, makeAllurePage } from '../report/allure.ts'
import { buildReport, readClusterFacts, type ClusterFacts } from '../report/build-report.ts'
import { pageOf } from '../report/html.ts'
import { junitOf } from '../report/junit.ts'
import type { Report } from '../report/report-schema.ts'
import { summaryOf } from '../report/summary.ts'
import { Journal } from '../stack/journal.ts'
import { loadKubeConfig } from '../stack/kube-connection.ts'
import { Kubernetes } from '../stack/kubernetes.ts'
import { undoAll } from '../stack/undo.ts'
import type { ThreadWork } from './in-thread.ts'

/** The same as the work of a thread. */
export const work: ThreadWork<{ run: RunInfo; interrupted: boolean }, Report> = ({ run, interrupted }, tell) =>
  finishRun(run, interrupted, tell)

/** Undoes what the run left open, asks the cluster for its versions and nodes, and writes every report. */
export async function finishRun(run: RunInfo, interrupted: boolean, tell: (what: string) => void): Promise<Report> {
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
  const endedAt = new Date()
  writeRunInfo({ ...run, endedAt: endedAt.toISOString() })
  const report = buildReport(run, await loadCatalogue(), { endedAt, interrupted, leftBehind, ...facts })
  tell('writing the reports')
  await writeReports(report)
  return report
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
