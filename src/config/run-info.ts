import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { StackConfig } from './stack-schema.ts'
import { UsageProblem } from '../core/problem.ts'
import { SUITES, type Suite, type Capability } from '../core/record.ts'

/** Where the runs are; PLUMBLINE_REPORTS puts them elsewhere. */
const REPORTS = process.env.PLUMBLINE_REPORTS ?? join(import.meta.dirname, '..', '..', 'reports')

/** Where AWS is asked, and with whose profile. */
export interface AwsPlace {
  region: string
  profile?: string | undefined
  /** Where its APIs are, for a stand-in; AWS's own where not given. */
  endpoint?: string | undefined
}

/** Which k6 a run has: a program, or an image. */
export interface K6 {
  how: 'path' | 'image' | 'built'
  /** The program's path, or the image's name. */
  what: string
}

/** What a run is about: written when it starts, read by the thread that runs the checks, by `report`, `recover` and `--rerun`. */
export interface RunInfo {
  id: string
  /** The process that runs it, to tell a run that goes on from one that was killed. */
  pid: number
  startedAt: string
  endedAt?: string
  config: StackConfig
  context: string
  /** The checks chosen, in the order of work. */
  checks: string[]
  capabilities: Capability[]
  /** Why each capability that is not offered is missing, and whether this target may lack it. */
  lacking: Partial<Record<Capability, { reason: string; excused: boolean }>>
  allowDisruption: boolean
  /** AWS as this run asks it, and its name for the cluster; not there where it is not asked. */
  aws?: AwsPlace & { cluster?: string; caller: string }
  /** The k6 that sends load from here, where a check needs one. */
  k6?: K6
}

/** Whether what is changed there is changed for others too: such a target is only read, and written to in namespaces of ours. */
export const isSomebodys = (target: StackConfig['target']): boolean => target === 'existing' || target === 'eks'

export const runFolder = (id: string): string => join(REPORTS, id)
export const journalFile = (id: string): string => join(runFolder(id), 'journal.jsonl')
/** Where a run's Allure results are, for allure-vitest and for what completes them. */
export const allureFolder = (id: string): string => join(runFolder(id), 'allure-results')
export const recordsFile = (id: string): string => join(runFolder(id), 'checks.jsonl')

/** A new run's id: its time, so that runs sort, and four letters, so that two at once do not meet. */
export function newRunId(now = new Date()): string {
  const time = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
  return `${time}-${randomBytes(2).toString('hex')}`
}

/** The short form of a run's id that namespaces carry. */
export const shortRunId = (id: string): string => id.slice(-4)

/** Makes the run's folder where it is missing and writes what the run is about. */
export function writeRunInfo(info: RunInfo): void {
  mkdirSync(runFolder(info.id), { recursive: true })
  writeFileSync(join(runFolder(info.id), 'run.json'), `${JSON.stringify(info, null, 2)}\n`)
}

/**
 * Reads a run by its id, or the newest by `latest`.
 * @throws UsageProblem where there is none
 */
export function readRunInfo(id: string): RunInfo {
  const known = runIds()
  const wanted = id === 'latest' ? known.at(-1) : id
  if (!wanted || !known.includes(wanted)) {
    throw new UsageProblem(
      known.length
        ? `There is no run "${id}" in reports/; the newest is ${known.at(-1)}.`
        : 'There is no run in reports/ yet: plumbline certify makes one.',
    )
  }
  return JSON.parse(readFileSync(join(runFolder(wanted), 'run.json'), 'utf8')) as RunInfo
}

/** The ids of the runs in reports/, oldest first. */
export const runIds = (): string[] =>
  existsSync(REPORTS)
    ? readdirSync(REPORTS)
        .filter((name) => existsSync(join(REPORTS, name, 'run.json')))
        .toSorted()
    : []

/** Whether the process of a run is still there. */
export function isRunning(info: RunInfo): boolean {
  if (info.endedAt) return false
  try {
    process.kill(info.pid, 0)
    return true
  } catch {
    return false
  }
}

/** The suites that a run's checks belong to, in their order. */
export const suitesOf = (run: RunInfo): Suite[] =>
  SUITES.filter((suite) => run.checks.some((id) => id.startsWith(`${suite}/`)))
