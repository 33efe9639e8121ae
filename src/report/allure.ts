import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LabelName, Stage, Status, type Attachment, type TestResult } from 'allure-js-commons'
import { execa } from 'execa'
import writeFileAtomic from 'write-file-atomic'
import type { Outcome } from '../core/record.ts'
import type { Report, ReportedCheck } from './report-schema.ts'

const STATUS: Record<Outcome, Status> = {
  pass: Status.PASSED,
  waived: Status.SKIPPED,
  fail: Status.FAILED,
  blocked: Status.SKIPPED,
  skipped: Status.SKIPPED,
  error: Status.BROKEN,
}

/**
 * Completes the results that allure-vitest left in `folder` from our own record: it does not keep why a check was
 * skipped, what blocked it, or a check that left no trace, and side by side it cannot tell whose attachment is whose.
 */
export function completeAllureResults(folder: string, report: Report): void {
  mkdirSync(folder, { recursive: true })
  const written = new Map<string, { file: string; result: TestResult }>()
  for (const name of readdirSync(folder).filter((file) => file.endsWith('-result.json'))) {
    const file = join(folder, name)
    const result = JSON.parse(readFileSync(file, 'utf8')) as TestResult
    if (result.name && report.checks.some((check) => check.id === result.name))
      written.set(result.name, { file, result })
    else rmSync(file)
  }
  for (const check of report.checks) {
    const known = written.get(check.id)
    const uuid = known?.result.uuid ?? randomUUID()
    const result = resultOf(check, report, uuid, attach(folder, check), known?.result)
    writeFileSync(known?.file ?? join(folder, `${uuid}-result.json`), JSON.stringify(result))
  }
  const environment = { verdict: report.verdict, target: report.target, context: report.context, ...report.versions }
  writeFileSync(
    join(folder, 'environment.properties'),
    Object.entries(environment)
      .map(([key, value]) => `${key} = ${value.replace(/\s+/g, ' ')}\n`)
      .join(''),
  )
}

function resultOf(
  check: ReportedCheck,
  report: Report,
  uuid: string,
  attachments: Attachment[],
  known: TestResult | undefined,
): TestResult {
  const start = check.startedAt ? new Date(check.startedAt).getTime() : new Date(report.startedAt).getTime()
  return {
    ...known,
    uuid,
    name: check.id,
    fullName: check.id,
    // Its history is that of the check, whichever file declares it.
    historyId: createHash('md5').update(check.id).digest('hex'),
    testCaseId: createHash('md5').update(check.id).digest('hex'),
    description: check.asserts,
    status: STATUS[check.outcome],
    statusDetails:
      check.outcome === 'pass'
        ? {}
        : { message: `${check.seen}\n\nTo do:\n${check.remedy.map((step, at) => `${at + 1}. ${step}.`).join('\n')}` },
    stage: Stage.FINISHED,
    start,
    stop: start + check.ms,
    labels: [
      { name: LabelName.PARENT_SUITE, value: check.suite },
      { name: LabelName.EPIC, value: `guide ${check.guide}` },
      { name: LabelName.SEVERITY, value: check.level === 'required' ? 'critical' : 'minor' },
      { name: LabelName.TAG, value: check.effect },
      ...(check.outcome === 'blocked' || check.outcome === 'waived'
        ? [{ name: LabelName.TAG, value: check.outcome }]
        : []),
    ],
    parameters: check.measurements.map(({ name, value, unit }) => ({
      name,
      value: `${value} ${unit}`,
      excluded: true,
    })),
    steps: [
      {
        name: check.seen || check.asserts,
        status: STATUS[check.outcome],
        statusDetails: {},
        stage: Stage.FINISHED,
        start,
        stop: start + check.ms,
        steps: [],
        attachments: [],
        parameters: [],
      },
    ],
    attachments,
    links: [],
  }
}

const TYPES: [string, string][] = [
  ['yaml', 'application/yaml'],
  ['svg', 'image/svg+xml'],
]

function attach(folder: string, check: ReportedCheck): Attachment[] {
  return check.evidence.map(({ name, text }) => {
    const [ending, type] = TYPES.find(([known]) => name.endsWith(`.${known}`)) ?? ['txt', 'text/plain']
    const source = `${randomUUID()}-attachment.${ending}`
    writeFileSync(join(folder, source), text)
    return { name, type, source }
  })
}

/**
 * Makes Allure's page of the results: one file, `page`, that opens without a network. Its two tags of Google Analytics
 * go out.
 * @throws Error where allure leaves no page
 */
export async function makeAllurePage(results: string, page: string, title: string): Promise<void> {
  const out = `${page}.d`
  const allure = join(import.meta.dirname, '..', '..', 'node_modules', 'allure', 'cli.js')
  const options = ['--single-file', '--output', out, '--report-name', title, '--group-by', 'parentSuite']
  try {
    const done = await execa(process.execPath, [allure, 'awesome', results, ...options], {
      cwd: results,
      reject: false,
      all: true,
    })
    if (done.failed) {
      const why = done.all.split('\n').find((line) => /error|ENO|EACCES/i.test(line)) ?? done.all.split('\n')[0]
      throw new Error(`allure ended with exit code ${done.exitCode ?? done.signal}: ${why?.trim()}`)
    }
    const index = join(out, 'index.html')
    if (!existsSync(index)) throw new Error(`allure wrote no ${index}`)
    const html = readFileSync(index, 'utf8').replace(/<script[^>]*>[^<]*<\/script>/g, (tag) =>
      /googletagmanager|gtag\(/.test(tag) ? '' : tag,
    )
    writeFileAtomic.sync(page, html)
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}
