import { describe, expect, test } from 'vitest'
import { readComponentLog } from './component-log.ts'

describe("a component's log", () => {
  const line = (fields: object) =>
    JSON.stringify({
      severity: 'INFO',
      timestamp: '2026-01-01T00:00:00Z',
      logger: 'controller',
      message: 'x',
      ...fields,
    })
  const failed = (at: string, more = {}) =>
    line({
      severity: 'ERROR',
      timestamp: at,
      message: 'Reconcile error',
      'knative.dev/key': 'default/hello',
      error: 'no',
      ...more,
    })

  test('may have lines of Go and klog beside JSON, and nothing else', () => {
    const log = readComponentLog(
      'p',
      `2026/01/01 00:00:00 Registering\nI0101 00:00:00.1 1 x.go:1] y\n${line({})}\npanic: oh no\n`,
    )
    expect(log.count).toBe(1)
    expect(log.unstructured).toEqual(['panic: oh no'])
  })

  test('tells an error that repeats', () => {
    const log = readComponentLog('p', [failed('2026-01-01T00:00:01Z'), failed('2026-01-01T00:00:02Z')].join('\n'))
    expect(log.repeated).toEqual([
      {
        text: 'Reconcile error of default/hello: no (2 times, last at 2026-01-01T00:00:02.000Z)',
        namespace: 'default',
        isObjects: true,
      },
    ])
  })

  test.each([
    ['a resource that is missing', 'the server could not find the requested resource'],
    ['a webhook that does not answer', 'Internal error occurred: failed calling webhook "x": no endpoints'],
    ['rights that a component lacks', 'pods is forbidden: User "system:serviceaccount:kn:controller" cannot list'],
  ])('tells that an error is no fault of the object: %s', (_, error) => {
    const log = readComponentLog('p', [1, 2].map((at) => failed(`2026-01-01T00:00:0${at}Z`, { error })).join('\n'))
    expect(log.repeated).toMatchObject([{ isObjects: false }])
  })

  test("may be written by zap's console encoder", () => {
    const text = [
      '2026-01-01T00:00:00Z\tinfo\tcontroller\tx.go:1\tReconcile succeeded\t{"knative.dev/key":"a/b"}',
      ...[1, 2].map(
        (at) =>
          `2026-01-01T00:00:0${at}Z\terror\tcontroller\tx:1\tReconcile error\t{"knative.dev/key":"a/c","error":"no"}`,
      ),
      'panic: oh no',
    ].join('\n')
    const log = readComponentLog('p', text, 'console')
    expect(log).toMatchObject({ count: 3, unstructured: ['panic: oh no'] })
    expect(log.repeated).toMatchObject([
      { namespace: 'a', text: expect.stringContaining('Reconcile error of a/c: no') },
    ])
  })

  test.each([
    ['once', [failed('2026-01-01T00:00:01Z')]],
    [
      'overcome',
      [
        failed('2026-01-01T00:00:01Z'),
        failed('2026-01-01T00:00:02Z'),
        line({ timestamp: '2026-01-01T00:00:03Z', message: 'Reconcile succeeded', 'knative.dev/key': 'default/hello' }),
      ],
    ],
    ['of ours', [1, 2].map((at) => failed(`2026-01-01T00:00:0${at}Z`, { 'knative.dev/key': 'plumb-x-1234/hello' }))],
    [
      'a conflict',
      [1, 2].map((at) =>
        failed(`2026-01-01T00:00:0${at}Z`, {
          error: 'the object has been modified; please apply your changes to the latest version and try again',
        }),
      ),
    ],
  ])('does not count one that was %s', (_, lines) => {
    expect(readComponentLog('p', lines.join('\n')).repeated).toEqual([])
  })
})
