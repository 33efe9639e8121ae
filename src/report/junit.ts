import junitModule, { type Builder } from 'junit-report-builder'
import type { Report } from './report-schema.ts'

// What Node imports is what the package's types call its default export.
const junit = junitModule as unknown as Builder

/** JUnit XML: a suite each, a case each check. A blocked check and an error are errors, so that no CI takes them for passes. */
export function junitOf(report: Report): string {
  const builder = junit.newBuilder()
  for (const suiteName of new Set(report.checks.map((check) => check.suite))) {
    const suite = builder.testSuite().name(suiteName).timestamp(report.startedAt)
    for (const check of report.checks.filter((each) => each.suite === suiteName)) {
      const testCase = suite
        .testCase()
        .className(`plumbline.${check.suite}`)
        .name(check.id)
        .time(check.ms / 1000)
      testCase.property('guide', check.guide).property('level', check.level)
      for (const { name, value, unit } of check.measurements) testCase.property(name, `${value} ${unit}`)
      if (check.outcome === 'fail') testCase.failure(`${check.seen}\nremedy: ${check.remedy}`, check.level)
      if (check.outcome === 'error' || check.outcome === 'blocked') testCase.error(check.seen, check.outcome)
      if (check.outcome === 'skipped') testCase.skipped().standardOutput(check.seen)
      if (check.outcome === 'pass') testCase.standardOutput(check.seen)
    }
  }
  return builder.build()
}
