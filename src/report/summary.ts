import { caveatsOf } from './caveats.ts'
import { codeBlock, codeSpan } from './markdown.ts'
import { countOutcomes, tellCounts } from './verdict.ts'
import { headlineOf } from './headline.ts'
import { tellRemark } from './remarks.ts'
import type { Report, ReportedCheck } from './report-schema.ts'
import { counted } from '../core/counted.ts'

/**
 * Markdown for a CI page: the verdict, what did not pass and what to do about it. Texts from the cluster stand in it as
 * code.
 */
export function summaryOf(report: Report): string {
  const troubled = report.checks.filter((check) => check.outcome !== 'pass')
  const suites = [...new Set(report.checks.map((check) => check.suite))]
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`)
  const remarks = report.checks.flatMap(tellRemarks)
  const lines = [
    `# ${headlineOf(report)}`,
    '',
    `Covers ${report.covers}.`,
    '',
    `${counted(report.checks.length, 'check')} in ${Math.round(report.seconds)} s: ${tellCounts(report.counts)}. ` +
      `Cluster: ${codeSpan(report.context)} (${report.target}).`,
    ...caveatsOf(report, codeSpan).flatMap((caveat) => ['', caveat]),
    ...(report.leftBehind.length
      ? ['', '**Not cleaned up:**', '', ...report.leftBehind.map((text) => `- ${codeSpan(text)}`)]
      : []),
    '',
    '| suite | checks | outcome |',
    '|---|---|---|',
    ...suites.map((suite) => {
      const checks = report.checks.filter((check) => check.suite === suite)
      return `| ${suite} | ${checks.length} | ${tellCounts(countOutcomes(checks))} |`
    }),
    ...(troubled.length ? ['', '## Checks that did not pass', '', ...troubled.flatMap(tellCheck)] : []),
    ...(report.waivers.length ? ['', '## Waivers', '', ...report.waivers.map(tellWaiver)] : []),
    ...(remarks.length ? ['', "## Remarks on tenants' objects", '', ...remarks] : []),
    ...(versions.length ? ['', `Versions: ${versions.map(codeSpan).join(', ')}.`] : []),
    '',
  ]
  return lines.join('\n')
}

const tellCheck = (check: ReportedCheck): string[] => [
  `- **${check.outcome}** \`${check.id}\` (${check.level}, guide ${check.guide}): ${check.asserts}`,
  '',
  ...(check.seen ? [...codeBlock(check.seen, '  '), ''] : []),
  ...(check.outcome === 'fail' ? ['  To do:', '', ...check.remedy.map((step, at) => `  ${at + 1}. ${step}.`), ''] : []),
]

const tellWaiver = ({ check, match, because, until, state }: Report['waivers'][number]): string =>
  `- ${codeSpan(check)}, ${state}, until ${until}: ${codeSpan(match)} (${codeSpan(because)})`

const tellRemarks = ({ id, remarks }: ReportedCheck): string[] =>
  remarks.map((remark) => `- \`${id}\`: ${codeSpan(tellRemark(remark))}`)
