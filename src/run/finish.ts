import { loadCatalogue } from '../check/catalogue.ts'
import { plainMessage } from '../core/problem.ts'
import { startTrace, endTrace } from '../core/trace.ts'
import { journalFile, traceFile, writeRunInfo, type RunInfo } from '../config/run-info.ts'
import { buildReport } from '../report/build-report.ts'
import { readClusterFacts, type ClusterFacts } from '../report/cluster-facts.ts'
import type { Report } from '../report/report-schema.ts'
import { Journal } from '../cluster/journal.ts'
import { keepLease } from '../cluster/run-lease.ts'
import { loadKubeConfig } from '../kube/connection.ts'
import { Kubernetes } from '../kube/kubernetes.ts'
import { nameOfId } from '../kube/object-id.ts'
import { undoAll } from '../cluster/undo.ts'
import type { ThreadWork } from './in-thread.ts'
import { writeReports, type Unwritten } from './write-reports.ts'

/** The same as the work of a thread. */
export const work: ThreadWork<RunEnding, Finished> = (ending, tell) => finishRun(ending, tell)

/** A run whose checks are done; `died` says why its target is gone, where it is. */
export interface RunEnding {
  run: RunInfo
  interrupted: boolean
  died?: string | undefined
}

/** The report of a run, and which of its files could not be written. */
export interface Finished extends Unwritten {
  report: Report
}

const NO_FACTS: ClusterFacts = { versions: {}, topology: [] }

/**
 * Undoes what the run left open, asks the cluster for its versions and nodes, and writes every report. Whatever of that
 * fails, there is a verdict: what could not be undone is in the report, what could not be written beside it.
 */
export async function finishRun(
  { run, interrupted, died }: RunEnding,
  tell: (what: string) => void,
): Promise<Finished> {
  if (run.trace) startTrace(traceFile(run.id))
  const { leftBehind, facts } = died ? { leftBehind: [], facts: NO_FACTS } : await undoRun(run, tell)
  endTrace()
  const endedAt = new Date()
  const problems: string[] = []
  try {
    writeRunInfo({ ...run, endedAt: endedAt.toISOString() })
  } catch (problem) {
    problems.push(plainMessage(problem))
  }
  const report = buildReport(run, await loadCatalogue(), { endedAt, interrupted, died, leftBehind, ...facts })
  tell('writing the reports')
  const written = await writeReports(report)
  return { report, problems: [...problems, ...written.problems], reportIsMissing: written.reportIsMissing }
}

async function undoRun(
  run: RunInfo,
  tell: (what: string) => void,
): Promise<{ leftBehind: string[]; facts: ClusterFacts }> {
  const journal = new Journal(journalFile(run.id))
  let stopRenewing: (() => void) | undefined
  try {
    const kubeConfig = loadKubeConfig(run.config.kubeconfig, run.context)
    try {
      const api = new Kubernetes(kubeConfig)
      stopRenewing = run.lease ? keepLease(api, run.id) : undefined
      const [leftBehind, facts] = await Promise.all([
        undoAll(api, journal, tell),
        readClusterFacts(api, run).catch(() => NO_FACTS),
      ])
      return { leftBehind, facts }
    } finally {
      stopRenewing?.()
      await kubeConfig.close()
    }
  } catch (problem) {
    // What is undone is struck out in the journal; all that is not may be there.
    const open = journal.pending().map(({ object }) => nameOfId(object))
    const what = open.length ? `${open.join(', ')} may still be in the cluster` : 'the run could not be ended'
    return { leftBehind: [`${what}: ${plainMessage(problem)}`], facts: NO_FACTS }
  }
}
