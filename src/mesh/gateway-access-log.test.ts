import { expect, test } from 'vitest'
import { DoesNotApply, NotLookedAt, StackFailure } from '../core/problem.ts'
import { found, unknown, type Fact } from '../survey/fact.ts'
import type { AccessLogSink, Gateway } from '../survey/survey.ts'
import { readerOf } from './gateway-access-log.ts'

const gateway = (accessLog: Fact<AccessLogSink[]>) =>
  ({ service: { namespace: 'edge', name: 'gw' }, accessLog }) as unknown as Gateway
const logging = (...sinks: Partial<AccessLogSink>[]) =>
  gateway(
    found(
      sinks.map((sink) => ({ kind: 'stdout', filtered: false, ...sink })),
      '',
    ),
  )
const problemOf = (each: Gateway): unknown => {
  try {
    return readerOf(each)
  } catch (problem) {
    return problem
  }
}

test('reads what has a line about every request, of several access logs', () => {
  const reader = readerOf(logging({ kind: 'otel' }, { filtered: true }, { json: { p: '%REQ(:PATH)%' } }))
  expect(reader.isJson).toBe(true)
})

test('does not apply where the lines are elsewhere, filtered, or about nobody knows what', () => {
  for (const [each, said] of [
    [logging({ kind: 'otel' }, { kind: 'file' }), 'logs requests to OpenTelemetry and a file in the pod only'],
    [logging({ filtered: true }), 'has a filter'],
    [logging({ text: '%RESPONSE_CODE%' }), 'has no path'],
  ] as const) {
    const problem = problemOf(each)
    expect(problem).toBeInstanceOf(DoesNotApply)
    expect((problem as Error).message).toContain(said)
  }
})

test('fails where there is no access log, and looks at nothing where nobody could look', () => {
  expect(problemOf(logging())).toBeInstanceOf(StackFailure)
  expect(problemOf(gateway(unknown('no pod is Ready')))).toBeInstanceOf(NotLookedAt)
})
