import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { join, relative } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import type { StackConfig } from './stack-schema.ts'
import { UsageProblem } from '../core/problem.ts'
import { SUITES, type Suite, type Capability } from '../core/record.ts'

/** The folder of the runs; PLUMBLINE_REPORTS overrides it. */
const REPORTS = process.env.PLUMBLINE_REPORTS ?? join(import.meta.dirname, '..', '..', 'reports')

/** The label that every object of a run carries; its value is the run's id. */
export const RUN_LABEL = 'plumbline.dev/run'

/** The region, profile and endpoint for calls of AWS. */
export interface AwsPlace {
  region: string
  profile?: string | undefined
  /** The URL of the APIs of a stand-in; AWS's own where not given. */
  endpoint?: string | undefined
}

/** The k6 of a run: a program or an image. */
export interface K6 {
  how: 'path' | 'image' | 'built'
  /** The program's path, or the image's name. */
  what: string
}

/** The facts of a run: written at its start, read by the thread of the checks, by `report`, `recover` and `--rerun`. */
export interface RunInfo {
  id: string
  /**
   * The process of the run and where its number is that process (see pidSpace), to tell a run that is still running
   * from one that was killed.
   */
  pid: number
  pidSpace: string
  /** Whether the run has a Lease in the cluster: that tells on other machines too. */
  lease?: boolean
  startedAt: string
  endedAt?: string
  config: StackConfig
  context: string
  /** The ids of the chosen checks, in the order in which they run. */
  checks: string[]
  capabilities: Capability[]
  /** Why each missing capability is missing, and whether this target may lack it. */
  lacking: Partial<Record<Capability, { reason: string; excused: boolean }>>
  allowDisruption: boolean
  /** Whether survey.json has what was found before the checks; a trial looks anew before each of its phases. */
  surveyed?: boolean
  /** Whether every call, wait and request is written to trace.jsonl. */
  trace?: boolean
  /** How this run calls AWS, and AWS's name of the cluster; undefined where it does not call AWS. */
  aws?: AwsPlace & { cluster?: string; caller: string }
  /** The k6 on this machine, where a check needs one. */
  k6?: K6
}

/** Whether others use the target too: without --allow-disruption Plumbline then writes to its own namespaces only. */
export const isSomebodys = (target: StackConfig['target']): boolean => target === 'existing' || target === 'eks'

export const runFolder = (id: string): string => join(REPORTS, id)
export const journalFile = (id: string): string => join(runFolder(id), 'journal.jsonl')
/** The folder of a run's Allure results. */
export const allureFolder = (id: string): string => join(runFolder(id), 'allure-results')
/** Where a run's calls, waits and requests are, a line each, where it is traced. */
export const traceFile = (id: string): string => join(runFolder(id), 'trace.jsonl')
export const recordsFile = (id: string): string => join(runFolder(id), 'checks.jsonl')

/** A new run's id: its time, so that runs sort, and 4 hex digits, so that two runs at once differ. */
export function newRunId(now = new Date()): string {
  const time = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
  return `${time}-${randomBytes(2).toString('hex')}`
}

/** The short form of a run's id that namespaces carry. */
export const shortRunId = (id: string): string => id.slice(-4)

/**
 * Makes the run's folder where it is missing and writes run.json: all of it or, where the process dies meanwhile,
 * nothing.
 * @throws UsageProblem where it cannot be written
 */
export function writeRunInfo(info: RunInfo): void {
  const file = join(runFolder(info.id), 'run.json')
  const text = `${JSON.stringify(info, null, 2)}\n`
  try {
    mkdirSync(runFolder(info.id), { recursive: true })
    writeFileAtomic.sync(file, text)
  } catch (cause) {
    throw new UsageProblem(
      `${relative(process.cwd(), file)} could not be written (${(cause as Error).message}): ` +
        'free space or rights there, or name another folder by PLUMBLINE_REPORTS.',
      { cause },
    )
  }
}

/** A run whose run.json cannot be read; `problem` is one sentence that names the file. */
export interface UnreadableRun {
  id: string
  problem: string
}

// What `recover` and `report` could not do without; the rest was checked when the run began.
const essentials = z.looseObject({
  id: z.string(),
  pid: z.int(),
  pidSpace: z.string(),
  startedAt: z.string(),
  context: z.string(),
  checks: z.array(z.string()),
  config: z.looseObject({ target: z.string(), deadlines: z.looseObject({ factor: z.number() }) }),
})

/**
 * Reads every run in reports/, oldest first. A run.json that was cut off or changed by hand does not hide the other
 * runs.
 */
export function readRuns(): { runs: RunInfo[]; unreadable: UnreadableRun[] } {
  const runs: RunInfo[] = []
  const unreadable: UnreadableRun[] = []
  for (const run of runIds().map(tryRead)) {
    if ('problem' in run) unreadable.push(run)
    else runs.push(run)
  }
  return { runs, unreadable }
}

/**
 * Reads a run by its id, or by `latest` the newest that can be read; `tell` hears a sentence for each newer one that
 * cannot.
 * @throws UsageProblem where there is none, or its run.json cannot be read
 */
export function readRunInfo(id: string, tell: (problem: string) => void = console.error): RunInfo {
  const known = runIds()
  if (id === 'latest') {
    for (const name of known.toReversed()) {
      const run = tryRead(name)
      if (!('problem' in run)) return run
      tell(run.problem)
    }
  }
  if (!known.includes(id)) {
    throw new UsageProblem(
      known.length
        ? `Run "${id}" not found in reports/; the newest run is ${known.at(-1)}.`
        : 'No runs found in reports/: start one with plumbline certify.',
    )
  }
  const run = tryRead(id)
  if ('problem' in run) throw new UsageProblem(run.problem)
  return run
}

function tryRead(id: string): RunInfo | UnreadableRun {
  const file = join(runFolder(id), 'run.json')
  const broken = (why: string): UnreadableRun => ({
    id,
    problem:
      `${relative(process.cwd(), file)} cannot be read (${why}): plumbline cannot undo or report this run. ` +
      `Look for objects with the label ${RUN_LABEL}=${id}, then delete the folder.`,
  })
  try {
    const { success, data, error } = essentials.safeParse(JSON.parse(readFileSync(file, 'utf8')))
    if (success) return data as unknown as RunInfo
    const [issue] = error.issues
    return broken(`${issue?.path.join('.') || 'it'}: ${issue?.message}`)
  } catch (problem) {
    return broken(problem instanceof SyntaxError ? 'it is not complete JSON' : (problem as Error).message)
  }
}

/** The ids of the runs in reports/, oldest first. */
const runIds = (): string[] =>
  existsSync(REPORTS)
    ? readdirSync(REPORTS)
        .filter((name) => existsSync(join(REPORTS, name, 'run.json')))
        .toSorted()
    : []

/**
 * Where a process number means the same process: the boot of a machine, and in it the pid namespace (a container has
 * its own). The host's name where there is no /proc.
 */
export function pidSpace(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

/** Whether the process of a run is there; unknown where it ran on another machine, or in another container. */
export function processOf(info: Pick<RunInfo, 'pid' | 'pidSpace' | 'endedAt'>): 'alive' | 'gone' | 'unknown' {
  if (info.endedAt) return 'gone'
  if (info.pidSpace !== pidSpace()) return 'unknown'
  try {
    process.kill(info.pid, 0)
    return 'alive'
  } catch (problem) {
    // EPERM: there is such a process, and another user's.
    return (problem as NodeJS.ErrnoException).code === 'EPERM' ? 'alive' : 'gone'
  }
}

/** The suites that a run's checks belong to, in their order. */
export const suitesOf = (run: RunInfo): Suite[] =>
  SUITES.filter((suite) => run.checks.some((id) => id.startsWith(`${suite}/`)))
