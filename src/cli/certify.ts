import { relative } from 'node:path'
import { UsageProblem } from '../core/problem.ts'
import { readRunInfo, runFolder, type RunInfo } from '../config/run-info.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { readRecords } from '../report/build-report.ts'
import { caveatsOf } from '../report/caveats.ts'
import { tellPath } from '../report/critical-path.ts'
import type { Report } from '../report/report-schema.ts'
import { exitCodeOf, tellCounts } from '../report/verdict.ts'
import { inThread } from '../run/in-thread.ts'
import type { RunEnding } from '../run/finish.ts'
import type { RunRequest } from '../run/prepare.ts'
import { runSuites } from '../run/run-suites.ts'
import { startTwin, useTwinPrograms, type RunningTwin } from '../targets/twin.ts'
import { cutShort } from './cut.ts'
import { readStack, type StackFlags } from './stack-flags.ts'
import { openView } from './view.ts'

/** plumbline certify: gives the exit code of the verdict. */
export async function certify(flags: StackFlags): Promise<number> {
  const given = readStack(flags)
  const only = whatToRun(flags)
  checkDisruption(flags, given)
  const say = (line: string) => console.log(line)
  const cut = cutShort(flags.timeLimit, say)
  let twin: RunningTwin | undefined
  let died: string | undefined
  try {
    twin = given.target === 'twin' ? await startTwin(given) : undefined
    if (twin) {
      useTwinPrograms()
      say(`twin: everything is Ready at ${twin.server}; it is a stand-in, no cluster`)
      void twin.died.then((why) => cut.end((died = why)))
    }
    const config = twin?.config ?? given
    const request = { config, only, allowDisruption: flags.allowDisruption ?? false }
    const run = await inThread<RunRequest, RunInfo>(
      new URL('../run/prepare.ts', import.meta.url),
      request,
      say,
      cut.signal,
    )
    say(`run ${run.id}: ${run.checks.length} checks on ${run.context}`)
    const view = openView(run.checks.length)
    let interrupted: boolean
    try {
      interrupted = await runSuites(run, cut.signal, (problem) => view.say(`the runner: ${problem}`))
    } finally {
      view.close()
    }
    const tell = process.stdout.isTTY ? say : () => undefined
    const ending = { run, interrupted, died }
    const report = await inThread<RunEnding, Report>(new URL('../run/finish.ts', import.meta.url), ending, tell)
    tellVerdict(report)
    return exitCodeOf(report.verdict)
  } catch (problem) {
    if (!cut.signal.aborted) throw problem
    say(`${died ?? 'cut short'} before the checks: nothing of a run is left`)
    return 2
  } finally {
    cut.release()
    await twin?.stop()
  }
}

function whatToRun({ only, rerun }: StackFlags): string[] {
  if (only && rerun) throw new UsageProblem('--only and --rerun exclude each other: give one of them.')
  if (only) return only
  if (!rerun) return []
  const run = readRunInfo(rerun)
  const records = readRecords(run.id)
  const again = run.checks.filter((id) => records.get(id)?.outcome !== 'pass' && !records.get(id)?.excused)
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
export function tellVerdict(report: Report): void {
  const folder = relative(process.cwd(), runFolder(report.run)) || '.'
  console.log(
    `\n${report.verdict}: ${tellCounts(report.counts)} of ${report.checks.length} checks in ${report.seconds.toFixed(1)} s`,
  )
  if (report.criticalPath.steps.length) console.log(tellPath(report.criticalPath))
  for (const caveat of caveatsOf(report)) console.log(caveat)
  for (const left of report.leftBehind) console.log(`left behind: ${left}`)
  console.log(`report: ${folder}/index.html (Allure: ${folder}/allure.html)`)
}
