import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { plainMessage, UsageProblem } from '../core/problem.ts'
import { readRunInfo, runFolder, type RunInfo } from '../config/run-info.ts'
import { ourHeaders } from '../config/our-headers.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { readRecords } from '../report/build-report.ts'
import { caveatsOf } from '../report/caveats.ts'
import { headlineOf } from '../report/headline.ts'
import { tellPath } from '../report/critical-path.ts'
import type { Report } from '../report/report-schema.ts'
import { exitCodeOf, tellCounts } from '../report/verdict.ts'
import { inThread } from '../run/in-thread.ts'
import type { Finished, RunEnding } from '../run/finish.ts'
import type { Named } from '../run/selection.ts'
import type { RunRequest } from '../run/prepare.ts'
import { runSuites } from '../run/run-suites.ts'
import { startTwin, useTwinPrograms, type RunningTwin } from '../targets/twin.ts'
import { cutShort } from './cut.ts'
import { readStack, requireNamedTarget, type StackFlags } from './stack-flags.ts'
import { openView } from './view.ts'
import { counted } from '../core/counted.ts'

/**
 * plumbline certify: gives the exit code of the verdict, or 3 where there is none, or report.json could not be written.
 * @throws UsageProblem before anything is started, for flags, names or a stack file that do not fit
 */
export async function certify(flags: StackFlags): Promise<number> {
  const given = readStack(flags)
  requireNamedTarget(flags)
  const only = whatToRun(flags)
  checkDisruption(flags, given)
  ourHeaders(given)
  const { waive } = given
  if (only.length || waive.length) await inThread<Named, string[]>(moduleOf('selection'), { only, waive }, say)
  const cut = cutShort(flags.timeLimit, say)
  let twin: RunningTwin | undefined
  const gone: { why?: string } = {}
  try {
    let run: RunInfo
    try {
      twin = given.target === 'twin' ? await startTwin(given) : undefined
      if (twin) {
        useTwinPrograms()
        say(`twin: everything is Ready at ${twin.server}; it is a stand-in, no cluster`)
        void twin.died.then((why) => cut.end((gone.why = why)))
      }
      const request = {
        ...{ config: twin?.config ?? given, only, allowDisruption: flags.allowDisruption ?? false },
        trace: flags.trace ?? process.env.PLUMBLINE_TRACE === '1',
      }
      run = await inThread<RunRequest, RunInfo>(moduleOf('prepare'), request, say, cut.signal)
    } catch (problem) {
      if (!cut.signal.aborted) throw problem
      say(`${gone.why ?? 'the run was cut short'} before any check ran: there is no report`)
      if (given.target === 'kind')
        say('the kind cluster may be incomplete: plumbline up completes it, plumbline down deletes it')
      return 2
    }
    say(`run ${run.id}: ${counted(run.checks.length, 'check')} on ${run.context}`)
    const interrupted = await runChecks(run, cut.signal)
    return await finish({ run, interrupted, died: gone.why })
  } finally {
    cut.release()
    await twin?.stop()
  }
}

const say = (line: string): void => console.log(line)
const moduleOf = (name: 'selection' | 'prepare' | 'finish'): URL => new URL(`../run/${name}.ts`, import.meta.url)

/** Runs the checks and shows them. Gives whether the run was cut short; a runner that breaks cuts it short too. */
async function runChecks(run: RunInfo, cut: AbortSignal): Promise<boolean> {
  const view = openView(run.checks.length)
  try {
    return await runSuites(run, cut, (problem) => view.say(`the runner: ${problem}`))
  } catch (problem) {
    view.say(`the runner: ${plainMessage(problem)}`)
    return true
  } finally {
    view.close()
  }
}

/** Undoes what is left of a run, writes its reports and prints its verdict. */
async function finish(ending: RunEnding): Promise<number> {
  const { run, died } = ending
  try {
    const tell = process.stdout.isTTY ? say : () => undefined
    const { report, problems, reportIsMissing } = await inThread<RunEnding, Finished>(moduleOf('finish'), ending, tell)
    tellVerdict(report, problems)
    if (reportIsMissing) say(`free space or rights there, then: plumbline report ${run.id}`)
    return reportIsMissing ? 3 : exitCodeOf(report.verdict)
  } catch (problem) {
    console.error(`Run ${run.id} could not be finished: ${plainMessage(problem)}`)
    if (!died) console.error(`Its changes may still be in the cluster: plumbline recover ${run.id} undoes them.`)
    return 3
  }
}

function whatToRun({ only, rerun }: StackFlags): string[] {
  if (only && rerun) throw new UsageProblem('--only and --rerun exclude each other: give one of them.')
  if (only?.length === 0) throw new UsageProblem('--only names nothing: give suites, effects or checks.')
  if (only) return only
  if (!rerun) return []
  const run = readRunInfo(rerun)
  const records = readRecords(run.id)
  const isDone = (id: string) => {
    const record = records.get(id)
    return record?.outcome === 'pass' || record?.outcome === 'waived' || record?.excused
  }
  const again = run.checks.filter((id) => !isDone(id))
  if (again.length === 0) throw new UsageProblem(`Everything passed in run ${run.id}: there is nothing to run again.`)
  return again
}

/** What may hurt needs the context typed out: the current one may not be the one that was meant. */
function checkDisruption(flags: StackFlags, config: StackConfig): void {
  if (flags.allowDisruption && config.target === 'existing' && !flags.context)
    throw new UsageProblem('--allow-disruption on an existing cluster needs its context typed out: --context NAME.')
  if (flags.allowDisruption && config.target === 'eks' && !flags.name)
    throw new UsageProblem('--allow-disruption on an EKS cluster needs its name typed out: --name NAME.')
}

/** The last lines of a run: what it came to, and where to read on. */
export function tellVerdict(report: Report, problems: readonly string[] = []): void {
  const folder = relative(process.cwd(), runFolder(report.run)) || '.'
  console.log(
    `\n${headlineOf(report)} (${report.covers}): ${tellCounts(report.counts)} ` +
      `of ${counted(report.checks.length, 'check')} ` +
      `in ${report.seconds.toFixed(1)} s`,
  )
  if (report.criticalPath.steps.length) console.log(tellPath(report.criticalPath))
  for (const caveat of caveatsOf(report)) console.log(caveat)
  for (const left of report.leftBehind) console.log(`left behind: ${left}`)
  if (report.leftBehind.length) console.log(`plumbline recover ${report.run} tries again to undo it`)
  for (const problem of problems) console.log(problem)
  const pages = [
    ['', 'index.html'],
    ['Allure: ', 'allure.html'],
  ].filter(([, name]) => existsSync(join(runFolder(report.run), name!)))
  if (pages.length) console.log(`report: ${pages.map(([title, name]) => `${title}${folder}/${name}`).join(', ')}`)
}
