import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadCatalogue } from '../check/catalogue.ts'
import { UsageProblem } from '../core/problem.ts'
import { journalFile, processOf, readRunInfo, runFolder } from '../config/run-info.ts'
import { Journal } from '../cluster/journal.ts'
import { nameOfId } from '../kube/object-id.ts'
import { buildReport, type RunEnd } from '../report/build-report.ts'
import { reportSchema } from '../report/report-schema.ts'
import { writeReports } from '../run/write-reports.ts'
import { tellVerdict } from './certify.ts'

/** plumbline report: the reports of a run made again from its records; of one that was killed, for the first time. */
export async function report(id: string): Promise<number> {
  const run = readRunInfo(id)
  if (processOf(run) === 'alive')
    throw new UsageProblem(`Run ${run.id} is still running (process ${run.pid}): it writes its reports when it ends.`)
  const made = buildReport(run, await loadCatalogue(), endOf(run.id, run.endedAt))
  const { problems, reportIsMissing } = await writeReports(made)
  tellVerdict(made, problems)
  return reportIsMissing ? 3 : 0
}

/**
 * What the run's first report says of its end; a run that was killed has none, and was cut short when it was last heard
 * of.
 */
function endOf(id: string, endedAt: string | undefined): RunEnd {
  const file = join(runFolder(id), 'report.json')
  if (!existsSync(file)) {
    return {
      endedAt: new Date(endedAt ?? Date.now()),
      interrupted: true,
      // A run that was killed undid nothing; recover may have, since.
      leftBehind: new Journal(journalFile(id))
        .pending()
        .map(({ object }) => `${nameOfId(object)} (the run was killed before it could undo its changes)`),
      versions: {},
      topology: [],
    }
  }
  const { endedAt: ended, ...before } = reportSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  return { ...before, endedAt: new Date(ended) }
}
