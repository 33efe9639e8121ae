import { readMatrix, writeMatrix } from '../sabotage/matrix-file.ts'
import { relative } from 'node:path'
import { loadCatalogue } from '../check/catalogue.ts'
import type { Capability } from '../core/record.ts'
import { UsageProblem } from '../core/problem.ts'
import { isSomebodys, newRunId, runFolder } from '../config/run-info.ts'
import { ourHeaders } from '../config/our-headers.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { runMatrix } from '../sabotage/matrix.ts'
import { differences, isClean, tellMatrix, unsabotaged, type MatrixReport } from '../sabotage/matrix-report.ts'
import { loadSabotages, type Sabotage } from '../sabotage/sabotage.ts'
import { type Trial, isDetected } from '../sabotage/trial.ts'
import { kindContext } from '../targets/kind.ts'
import { cutShort } from './cut.ts'
import { readStack, type StackFlags } from './stack-flags.ts'

/** The flags of `plumbline sabotage`. */
export interface SabotageFlags extends StackFlags {
  lanes?: number
  compare?: string
}

/** plumbline sabotage: gives 0 where every sabotage was detected, by the checks that it names and no others. */
export async function sabotage(flags: SabotageFlags): Promise<number> {
  const config = readStack(flags)
  const typedOut = config.target === 'eks' ? flags.name : flags.context
  if (isSomebodys(config.target) && !(flags.allowDisruption && typedOut)) {
    throw new UsageProblem(
      'Sabotage breaks the cluster that it runs on. To allow that on an existing cluster, pass --allow-disruption ' +
        'and type its name: --context NAME (for EKS: --name NAME).',
    )
  }
  const there = flags.compare ? readMatrix(flags.compare) : undefined
  const cut = cutShort(flags.timeLimit, console.log)
  try {
    const report = await trySabotages(config, flags, (line) => console.log(line), cut.signal)
    console.log('')
    for (const line of tellMatrix(report)) console.log(line)
    console.log(`report: ${relative(process.cwd(), runFolder(report.run)) || '.'}/sabotage.html`)
    const agrees = there ? tellAgreement(report, there) : true
    return isClean(report) && agrees ? 0 : 1
  } finally {
    cut.release()
  }
}

/**
 * Tries the chosen sabotages out, and writes their matrix. Checks with no sabotage are looked for only where all were
 * chosen.
 */
export async function trySabotages(
  config: StackConfig,
  { only, lanes = 4 }: { only?: string[]; lanes?: number },
  tell: (line: string) => void,
  abort: AbortSignal,
): Promise<MatrixReport> {
  const started = performance.now()
  const all = await loadSabotages()
  const chosen = choose(all, only)
  const isTwin = config.target === 'twin'
  const skipped = chosen.flatMap((each) => {
    if (each.defect && !isTwin) return [{ sabotage: each.id, why: 'only the twin can have this defect' }]
    // What a target lacks is known before anything is broken.
    const lack = each.requires?.find((capability) => isLacking(capability, config))
    return lack ? [{ sabotage: each.id, why: `needs ${lack}, which this target does not offer` }] : []
  })
  const sabotages = chosen.filter(({ id }) => !skipped.some((each) => each.sabotage === id))
  ourHeaders(config)
  // A waiver would hide what a sabotage is to show.
  const unwaived = { ...config, waive: [] }
  const trials = await runMatrix({ config: unwaived, sabotages, lanes }, (trial) => tell(trialLine(trial)), abort)
  const checks = (await loadCatalogue()).map(({ id }) => id)
  const report: MatrixReport = {
    run: newRunId(),
    target: config.target,
    context: isTwin ? 'twin' : config.target === 'kind' ? kindContext(config) : (config.context ?? ''),
    endedAt: new Date().toISOString(),
    seconds: (performance.now() - started) / 1000,
    trials,
    skipped,
    without: only ? [] : unsabotaged(checks, all),
  }
  writeMatrix(report)
  return report
}

/**
 * Whether a target cannot offer a capability, by its stack.yaml. A kind cluster has no metrics-server and no AWS. What
 * an existing cluster lacks shows at the trial.
 */
function isLacking(capability: Capability, { target, acme, observability }: StackConfig): boolean {
  const offered: Record<Capability, boolean> = {
    nlb: target !== 'kind',
    eks: target !== 'kind',
    istioctl: true,
    metrics: target !== 'kind',
    prometheus: target === 'twin' || observability.prometheus !== undefined,
    loki: target === 'twin' || observability.loki !== undefined,
    acme: target === 'twin' || acme !== undefined,
    k6: true,
    drain: true,
  }
  return !offered[capability]
}

/** The sabotages that `only` names, by their own id or by a check's. */
function choose(all: Sabotage[], only: string[] | undefined): Sabotage[] {
  if (!only) return all
  for (const name of only) {
    if (!all.some(({ id, fails }) => id === name || fails.includes(name))) {
      const ids = all.map(({ id }) => id).join(', ')
      throw new UsageProblem(
        `"${name}" is neither a sabotage nor a check that a sabotage names. The sabotages are ${ids}.`,
      )
    }
  }
  return all.filter(({ id, fails }) => only.some((name) => name === id || fails.includes(name)))
}

function trialLine(trial: Trial): string {
  const wrong = [
    ...trial.missed.map((check) => `missed by ${check}`),
    ...trial.falseAlarms.map((check) => `false alarm of ${check} (${trial.said[check]?.split('\n')[0]})`),
    ...(trial.problem ? [trial.problem] : []),
  ]
  const outcome = isDetected(trial) ? 'detected' : 'WRONG   '
  const seconds = `${trial.seconds.toFixed(0)}s`.padStart(5)
  const about = wrong.length ? wrong.join('; ') : trial.fails.join(', ')
  return `${outcome} ${trial.sabotage.padEnd(28)} ${seconds}  ${about}`
}

function tellAgreement(here: MatrixReport, there: MatrixReport): boolean {
  const { compared, differing } = differences(here, there)
  const equal = `${compared - differing.length} of ${compared} outcomes are equal`
  console.log(`agreement of ${here.context} with ${there.context}: ${equal}`)
  for (const { sabotage, phase, check, here: ours, there: theirs } of differing) {
    console.log(`  ${sabotage}, ${phase}: ${check} is ${ours} on ${here.context}, ${theirs} on ${there.context}`)
  }
  return differing.length === 0
}
