import { describe, expect, test } from 'vitest'
import type { Logged } from './logged.ts'
import { compileFilter, filterProblem } from './telemetry-filter.ts'

const LOGGED: Logged = {
  start: new Date(),
  method: 'GET',
  path: '/orders?id=1',
  protocol: 'HTTP/1.1',
  code: 404,
  flags: '',
  details: 'via_upstream',
  bytesReceived: 0,
  bytesSent: 20,
  durationMs: 3,
  upstreamMs: 2,
  headers: { 'x-version': 'v2' },
  authority: 'shop.test',
  upstreamHost: '127.20.101.1:8080',
  upstreamCluster: 'outbound|80||web.default.svc.cluster.local',
  upstreamLocal: '',
  downstreamLocal: '127.20.200.200:8080',
  downstreamRemote: '127.0.0.1:9',
  serverName: '',
  routeName: '',
}

const telemetry = (...expressions: string[]) => ({
  apiVersion: 'telemetry.istio.io/v1',
  kind: 'Telemetry',
  metadata: { name: 'filtered' },
  spec: { accessLogging: expressions.map((expression) => ({ filter: { expression } })) },
})

describe('a filter of a Telemetry', () => {
  test.each([
    ['response.code >= 400', true],
    ['response.code >= 500', false],
    ["response.code == 404 && !(request.url_path.startsWith('/orders') || connection.mtls)", false],
    ["request.url_path == '/orders' && request.path.endsWith('id=1')", true],
    ["request.headers['x-version'] == 'v2'", true],
    ["'x-other' in request.headers", false],
    ['connection.mtls', false],
    ["request.host.matches('^shop')", true],
    ["request.headers['x-other'] != 'v2'", false],
    ['has(response.grpc_status)', false],
    ['nobody.knows == 1', false],
    ['response.code', false],
  ])('%s is %s', (expression, passes) => {
    expect(compileFilter(expression)(LOGGED)).toBe(passes)
  })

  test.each(['', 'response.code >=', 'response.code >= 400 && (', 'code is 400'])(
    '"%s" does not compile',
    (expression) => {
      expect(filterProblem(telemetry('response.code >= 400', expression))).toMatch(/^<input>:1:\d+: /)
    },
  )

  test('that compiles has no problem', () => {
    expect(filterProblem(telemetry('response.code >= 400'))).toBeUndefined()
    expect(filterProblem({ ...telemetry(), spec: {} })).toBeUndefined()
  })
})
