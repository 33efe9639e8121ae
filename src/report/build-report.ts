import { existsSync, readFileSync } from 'node:fs'
import type { Check } from '../check/check.ts'
import type { CheckRecord } from '../core/record.ts'
import { recordsFile, type RunInfo } from '../config/run-info.ts'
import { loadFrom } from '../load/load.ts'
import { readSurveyFile } from '../survey/survey-file.ts'
import { surveyRows } from '../survey/survey-rows.ts'
import type { ClusterFacts } from './cluster-facts.ts'
import { criticalPath } from './critical-path.ts'
import { reportSchema, type Report } from './report-schema.ts'
import { coverageOf } from './headline.ts'
import { reportWaivers } from './waivers.ts'
import { countOutcomes, recordOrError, verdictOf } from './verdict.ts'

/** What is known only at the end of a run. */
export interface RunEnd extends ClusterFacts {
  endedAt: Date
  interrupted: boolean
  /** Why the target is gone, where it went in the middle of the run. */
  died?: string | undefined
  leftBehind: string[]
}

/** The records that a run left, by check. A line cut off by a crash is passed over: its check is then in error. */
export function readRecords(run: string): Map<string, CheckRecord> {
  const file = recordsFile(run)
  const records = new Map<string, CheckRecord>()
  if (!existsSync(file)) return records
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line) continue
    try {
      const record = JSON.parse(line) as CheckRecord
      records.set(record.id, record)
    } catch {
      continue
    }
  }
  return records
}

/**
 * The report of a run: the verdict over the catalogue's ids, never over what happened to report.
 * @throws ZodError where it does not fit its own schema
 */
export function buildReport(run: RunInfo, catalogue: readonly Check[], end: RunEnd): Report {
  const records = readRecords(run.id)
  const chosen = catalogue.filter((check) => run.checks.includes(check.id))
  const judged = chosen.map((check) => ({ ...recordOrError(check.id, records), meta: { level: check.level }, check }))
  return reportSchema.parse({
    schema: 'plumbline.report/v1',
    run: run.id,
    verdict: verdictOf(judged, end.interrupted),
    covers: coverageOf(judged.map(({ check, ...record }) => ({ ...record, effect: check.effect }))),
    scope: chosen.length === catalogue.length ? 'whole' : 'selection',
    interrupted: end.interrupted,
    ...(end.died ? { died: end.died } : {}),
    target: run.config.target,
    context: run.context,
    traffic: trafficFrom(run.config),
    ...(run.aws ? { aws: `${run.aws.caller} in ${run.aws.region}` } : {}),
    startedAt: run.startedAt,
    endedAt: end.endedAt.toISOString(),
    seconds: (end.endedAt.getTime() - new Date(run.startedAt).getTime()) / 1000,
    counts: countOutcomes(judged),
    versions: end.versions,
    topology: end.topology,
    found: foundBefore(run),
    lists: judged.reduce((sum, { lists }) => sum + lists, 0),
    leftBehind: end.leftBehind,
    criticalPath: criticalPath(run.startedAt, judged),
    waivers: reportWaivers(run.config.waive, judged, new Date(run.startedAt)),
    checks: judged.map(({ check, meta: _, ...record }) => ({
      id: check.id,
      suite: check.suite,
      asserts: check.asserts,
      guide: check.guide,
      level: check.level,
      effect: check.effect,
      needs: [...(check.needs ?? [])],
      remedy: [check.remedy].flat(),
      ...withoutId(record),
    })),
  })
}

/** What was found before the checks; nothing where the run was not surveyed, or its survey.json is gone. */
function foundBefore(run: RunInfo): Report['found'] {
  if (!run.surveyed) return []
  try {
    return surveyRows(readSurveyFile(run.id))
  } catch {
    return []
  }
}

/** Where requests and load come from, in words. */
function trafficFrom(config: RunInfo['config']): string {
  const requests = config.vantage === 'cluster' ? 'requests from a pod in the cluster' : 'requests from this machine'
  return `${requests}, load ${loadFrom(config) === 'job' ? 'from a Job in the cluster' : 'from this machine'}`
}

const withoutId = ({ id: _, ...rest }: CheckRecord): Omit<CheckRecord, 'id'> => rest
