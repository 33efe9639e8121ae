import { join, relative } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { plainMessage } from '../core/problem.ts'
import { allureFolder, runFolder } from '../config/run-info.ts'
import { completeAllureResults, makeAllurePage } from '../report/allure.ts'
import { pageOf } from '../report/html.ts'
import { junitOf } from '../report/junit.ts'
import type { Report } from '../report/report-schema.ts'
import { summaryOf } from '../report/summary.ts'

/** Which reports of a run could not be written. */
export interface Unwritten {
  /** A sentence for each file. */
  problems: string[]
  /** Whether report.json, which holds the verdict, is among them. */
  reportIsMissing: boolean
}

/**
 * Writes report.json and all that is made of it: JUnit, Markdown, our own page, and Allure's results and page. Each
 * file is written whole or not at all, and one that cannot be written does not stop the others. It does not throw.
 */
export async function writeReports(report: Report): Promise<Unwritten> {
  const folder = runFolder(report.run)
  const problems: string[] = []
  const attempt = async (name: string, write: () => void | Promise<void>, verb = 'written'): Promise<boolean> => {
    try {
      await write()
      return true
    } catch (problem) {
      const file = relative(process.cwd(), join(folder, name))
      problems.push(`${file} could not be ${verb}: ${plainMessage(problem).split('\n')[0]}`)
      return false
    }
  }
  const file = (name: string, text: () => string) =>
    attempt(name, () => writeFileAtomic.sync(join(folder, name), text()))
  const hasReport = await file('report.json', () => `${JSON.stringify(report, null, 2)}\n`)
  await file('junit.xml', () => junitOf(report))
  await file('summary.md', () => summaryOf(report))
  await file('index.html', () => pageOf(report))
  const makeAllure = async () => {
    completeAllureResults(allureFolder(report.run), report)
    const title = `Plumbline ${report.run}: ${report.verdict}`
    await makeAllurePage(allureFolder(report.run), join(folder, 'allure.html'), title)
  }
  await attempt('allure.html', makeAllure, 'made')
  return { problems, reportIsMissing: !hasReport }
}
