import { appendFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Check } from '../check/check.ts'
import type { CheckRecord } from '../core/record.ts'
import { recordsFile } from '../config/run-info.ts'
import { completeAllureResults } from './allure.ts'
import { buildReport } from './build-report.ts'
import { pageOf } from './html.ts'
import { junitOf } from './junit.ts'
import { reportSchema, type Report } from './report-schema.ts'
import { summaryOf } from './summary.ts'
import { stackSchema } from '../config/stack-schema.ts'
import { makeRun } from '../../test/make-run.ts'

const check = (id: string, level: Check['level'] = 'required'): Check => ({
  id,
  suite: id.split('/')[0] as Check['suite'],
  asserts: `${id} holds`,
  guide: '2',
  level,
  effect: 'reads',
  remedy: 'mend it',
  body: () => '',
})
const record = (id: string, more: Partial<CheckRecord>): CheckRecord => ({
  id,
  outcome: 'pass',
  seen: 'seen',
  startedAt: '2026-01-01T00:00:01.000Z',
  ms: 5,
  lists: 0,
  waits: [],
  measurements: [],
  remarks: [],
  waived: [],
  evidence: [],
  ...more,
})

function makeReport(): Report {
  const catalogue = [
    check('infra/a'),
    check('infra/w'),
    check('mesh/b'),
    check('mesh/c'),
    check('mesh/d', 'recommended'),
    check('mesh/lost'),
    check('mesh/not-chosen'),
  ]
  const config = {
    ...stackSchema.parse({ target: 'kind' }),
    waive: [
      { check: 'infra/w', match: 'old', because: 'ticket 42', until: '9999-12-31' },
      { check: 'infra/a', match: 'old', because: 'ticket 43', until: '2025-12-31' },
    ],
  }
  const run = makeRun(
    catalogue.slice(0, 6).map(({ id }) => id),
    { config },
  )
  const records = [
    record('infra/a', {
      measurements: [{ name: 'pods', value: 3, unit: 'pods' }],
      remarks: [{ text: 'Pod shop/cart waits for a volume.', namespace: 'shop' }, { text: 'of no one' }],
    }),
    record('mesh/b', {
      outcome: 'fail',
      seen: 'expected <b> & "c"',
      evidence: [{ name: 'Service x/y.yaml', text: 'a: <script>alert(1)</script>' }],
    }),
    record('mesh/c', {
      outcome: 'blocked',
      seen: 'skipped because mesh/b failed; fix that first',
      blockedBy: ['mesh/b'],
    }),
    record('infra/w', {
      outcome: 'waived',
      seen: 'old <i>',
      waived: [{ finding: 'old <i>', waiver: 0, because: 'ticket 42', until: '9999-12-31' }],
    }),
    record('mesh/d', { outcome: 'skipped', seen: 'no metrics', excused: true }),
  ]
  for (const each of records) appendFileSync(recordsFile(run.id), `${JSON.stringify(each)}\n`)
  appendFileSync(recordsFile(run.id), '{"id":"mesh/lo')
  return buildReport(run, catalogue, {
    endedAt: new Date('2026-01-01T00:00:09Z'),
    interrupted: false,
    leftBehind: [],
    versions: { istio: '1.31.0' },
    topology: [],
  })
}

describe('the report', () => {
  const report = makeReport()

  test('is over the checks that were chosen; one that left no record is in error', () => {
    expect(report).toMatchObject({
      verdict: 'not certified',
      scope: 'selection',
      seconds: 9,
      covers: 'reads; 1 check does not apply to this cluster',
      counts: { pass: 1, waived: 1, fail: 1, blocked: 1, skipped: 1, error: 1 },
    })
    expect(report.checks.at(-1)).toMatchObject({ id: 'mesh/lost', outcome: 'error' })
  })

  test('fits the schema that docs/ publishes, which is the one of the code', () => {
    const published = JSON.parse(
      readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'report.schema.json'), 'utf8'),
    ) as object
    expect(published).toEqual(JSON.parse(JSON.stringify(z.toJSONSchema(reportSchema))))
    const validate = new Ajv2020({ validateFormats: false }).compile(published)
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true)
    expect(validate({ ...report, verdict: 'fine' })).toBe(false)
  })

  test("has a check's remarks on tenants in every form, and its outcome stays a pass", () => {
    expect(report.checks[0]).toMatchObject({ outcome: 'pass', remarks: [{ namespace: 'shop' }, {}] })
    const told = 'namespace shop: Pod shop/cart waits for a volume.'
    expect(junitOf(report)).toContain(`<![CDATA[seen\nremark: ${told}\nremark: of no one]]>`)
    expect(summaryOf(report)).toContain(`## Remarks on tenants' objects\n\n- \`infra/a\`: \`${told}\`\n`)
    expect(pageOf(report)).toContain(`<li>${told}</li><li>of no one</li>`)
  })

  test('has what is waived in every form, with its reason and end, and tells a waiver that has ended', () => {
    expect(junitOf(report)).toContain(
      '<skipped/>\n      <system-out><![CDATA[waived until 9999-12-31 (ticket 42): old <i>]]></system-out>',
    )
    const ended = 'waive[1] infra/a ended on 2025-12-31: its finding counts again.'
    const markdown = summaryOf(report)
    expect(markdown).toContain('## Waivers\n\n- `infra/w`, used, until 9999-12-31: `old` (`ticket 42`)\n')
    expect(markdown).toContain(ended)
    expect(pageOf(report)).toContain('<li>accepted until 9999-12-31 (ticket 42): old &lt;i></li>')
    expect(pageOf(report)).toContain(ended)
  })

  test('as JUnit takes a blocked check and an error for errors, not for passes', () => {
    const xml = junitOf(report)
    expect(xml).toContain('tests="6" failures="1" errors="2" skipped="2"')
    expect(xml).toContain('expected &lt;b> &amp; &quot;c&quot;')
    expect(xml).toContain('To do:&#xA;1. mend it.')
  })

  test('as Markdown says what did not pass and what to do', () => {
    const markdown = summaryOf(report)
    expect(markdown).toMatch(/^# not certified\n/)
    expect(markdown).toContain('**fail** `mesh/b` (required, guide 2)')
    expect(markdown).toContain('  To do:\n\n  1. mend it.')
    expect(markdown).toContain('not a certificate of the complete stack')
  })

  test('as Markdown has what a cluster says as code only: no link, image, HTML or mention of it works', () => {
    const hostile = '@team see [x](http://evil) ![y](http://evil) <img src=x>\n```\n# @all\n````'
    const [first, ...others] = report.checks
    const markdown = summaryOf({
      ...report,
      context: '`@ctx',
      died: hostile,
      leftBehind: [hostile],
      versions: { istio: '1 @v' },
      checks: [{ ...first!, outcome: 'fail', seen: hostile }, ...others],
    })
    const spans = /(`+)text\n[^]*?\n *\1(?=\n)|(`+)(?!`)[^]*?[^`]\2(?!`)/g
    expect(markdown.match(spans)!.length).toBeGreaterThan(4)
    expect(markdown.replace(spans, '')).not.toMatch(/@|evil|<img|!\[/)
  })

  test('as a page is one file without script or network, and shows what a cluster says without running it', () => {
    const page = pageOf(report)
    expect(page).toContain('<h1>not certified</h1>')
    expect(page).toContain('&lt;script>alert(1)&lt;/script>')
    expect(page).not.toMatch(/<script|<link|src=|https?:\/\//)
  })

  test('completes what allure-vitest left: every check once, with its outcome, reason and evidence', () => {
    const folder = mkdtempSync(join(tmpdir(), 'plumbline-allure-'))
    writeFileSync(
      join(folder, 'x-result.json'),
      JSON.stringify({ uuid: 'x', name: 'mesh/b', status: 'broken', steps: [1, 2] }),
    )
    writeFileSync(
      join(folder, 'y-result.json'),
      JSON.stringify({ uuid: 'y', name: 'no check of mesh was chosen', status: 'skipped' }),
    )
    completeAllureResults(folder, report)
    const results = readdirSync(folder)
      .filter((name) => name.endsWith('-result.json'))
      .map(
        (name) =>
          JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
            name: string
            status: string
            statusDetails: { message?: string }
            attachments: { source: string }[]
          },
      )
    expect(Object.fromEntries(results.map(({ name, status }) => [name, status]))).toEqual({
      'infra/a': 'passed',
      'infra/w': 'skipped',
      'mesh/b': 'failed',
      'mesh/c': 'skipped',
      'mesh/d': 'skipped',
      'mesh/lost': 'broken',
    })
    const failed = results.find(({ name }) => name === 'mesh/b')
    expect(failed?.statusDetails.message).toContain('To do:\n1. mend it')
    expect(readFileSync(join(folder, failed?.attachments[0]?.source ?? ''), 'utf8')).toContain('alert(1)')
  })
})
