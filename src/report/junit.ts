import junitModule, { type Builder } from 'junit-report-builder'
import { tellRemark } from './remarks.ts'
import type { Report, ReportedCheck } from './report-schema.ts'

// What Node imports is what the package's types call its default export.
const junit = junitModule as unknown as Builder

/**
 * JUnit XML: a test suite for each suite, a case for each check. A blocked check and an error are errors: no CI counts
 * them as passes; a waived one is skipped.
 */
export function junitOf(report: Report): string {
  const builder = junit.newBuilder()
  for (const suiteName of new Set(report.checks.map((check) => check.suite))) {
    const suite = builder.testSuite().name(suiteName).timestamp(report.startedAt)
    for (const check of report.checks.filter(({ suite: name }) => name === suiteName)) {
      const testCase = suite
        .testCase()
        .className(`plumbline.${check.suite}`)
        .name(check.id)
        .time(check.ms / 1000)
      testCase.property('guide', check.guide).property('level', check.level)
      for (const { name, value, unit } of check.measurements) testCase.property(name, `${value} ${unit}`)
      const seen = withoutControls(check.seen)
      if (check.outcome === 'fail') testCase.failure(`${seen}\n\nTo do:\n${stepsOf(check)}`, check.level)
      if (check.outcome === 'error' || check.outcome === 'blocked') testCase.error(seen, check.outcome)
      if (check.outcome === 'skipped' || check.outcome === 'waived') testCase.skipped()
      const output = [
        ...(check.outcome === 'pass' || check.outcome === 'skipped' ? [seen] : []),
        ...check.waived.map(({ finding, because, until }) =>
          withoutControls(`waived until ${until} (${because}): ${finding}`),
        ),
        ...check.remarks.map((remark) => withoutControls(`remark: ${tellRemark(remark)}`)),
      ]
      if (output.length) testCase.standardOutput(output.join('\n'))
    }
  }
  return builder.build()
}

const stepsOf = ({ remedy }: ReportedCheck): string => remedy.map((step, at) => `${at + 1}. ${step}.`).join('\n')

// XML 1.0 has no control characters, not even escaped: one of them in a log line would break the file.
const withoutControls = (text: string): string => text.replace(/[^\t\n\r\u0020-\uFFFD]/g, '')
