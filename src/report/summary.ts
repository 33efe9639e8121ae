import { caveatsOf } from './caveats.ts'
import { countOutcomes, tellCounts } from './verdict.ts'
import type { Report, ReportedCheck } from './report-schema.ts'

/** Markdown for a CI page: the verdict, what did not pass and what to do about it, then the suites. */
export function summaryOf(report: Report): string {
  const troubled = report.checks.filter((check) => check.outcome !== 'pass')
  const lines = [
    `# ${report.verdict}`,
    '',
    `${tellCounts(report.counts)} of ${report.checks.length} checks in ${Math.round(report.seconds)} s, on \`${report.context}\` (${report.target}).`,
    ...caveatsOf(report).flatMap((caveat) => ['', caveat]),
    ...(report.leftBehind.length ? ['', '**Left behind:**', ...report.leftBehind.map((each) => `- ${each}`)] : []),
    '',
    '| suite | checks | outcome |',
    '|---|---|---|',
    ...[...new Set(report.checks.map((check) => check.suite))].map((suite) => {
      const checks = report.checks.filter((check) => check.suite === suite)
      return `| ${suite} | ${checks.length} | ${tellCounts(countOutcomes(checks))} |`
    }),
    ...(troubled.length ? ['', '## What did not pass', '', ...troubled.flatMap(tellCheck)] : []),
    '',
    `Versions: ${Object.entries(report.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
    '',
  ]
  return lines.join('\n')
}

function tellCheck(check: ReportedCheck): string[] {
  const head = `- **${check.outcome}** \`${check.id}\` (${check.level}, guide ${check.guide}): ${check.asserts}`
  const seen = check.seen
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')
  return [
    head,
    '',
    seen,
    ...(check.outcome === 'fail'
      ? ['', '  To do:', '', ...check.remedy.map((step, at) => `  ${at + 1}. ${step}.`)]
      : []),
    '',
  ]
}
