import { expect, test } from 'vitest'
import { accessLogSinks, sinksOfMesh, type Listener } from './access-log-sinks.ts'

const listener = (...access_log: object[]): Listener => ({
  filter_chains: [{ filters: [{ typed_config: { access_log } }] }],
})
const file = (path: string, log_format: object, more: object = {}) => ({
  name: 'envoy.access_loggers.file',
  typed_config: { path, log_format },
  ...more,
})

test('text, JSON, a file in the pod, a filter; what two listeners share is one', () => {
  const text = file('/dev/stdout', { text_format_source: { inline_string: '%RESPONSE_CODE%\n' } })
  const json = file('/dev/stdout', { json_format: { code: '%RESPONSE_CODE%' } }, { filter: { or_filter: {} } })
  const inPod = file('/var/log/access', { text_format: 'x' })
  expect(accessLogSinks([listener(text, json), listener(text, inPod)])).toEqual([
    { kind: 'stdout', path: '/dev/stdout', text: '%RESPONSE_CODE%\n', filtered: false },
    { kind: 'stdout', path: '/dev/stdout', json: { code: '%RESPONSE_CODE%' }, filtered: true },
    { kind: 'file', path: '/var/log/access', text: 'x', filtered: false },
  ])
})

test('what leaves the cluster, and none', () => {
  const remote = [
    { name: 'envoy.access_loggers.open_telemetry', typed_config: {} },
    { name: 'envoy.access_loggers.http_grpc' },
  ]
  expect(accessLogSinks([listener(...remote)]).map(({ kind }) => kind)).toEqual(['otel', 'grpc'])
  expect(accessLogSinks([listener(), { filter_chains: [] }])).toEqual([])
})

test('what the mesh configuration asks for', () => {
  expect(sinksOfMesh({})).toEqual([])
  expect(sinksOfMesh({ accessLogFile: '/dev/stdout' })).toEqual([
    { kind: 'stdout', path: '/dev/stdout', filtered: false },
  ])
  expect(
    sinksOfMesh({ accessLogFile: '/tmp/log', accessLogEncoding: 'JSON', accessLogFormat: '{"c":"%RESPONSE_CODE%"}' }),
  ).toEqual([{ kind: 'file', path: '/tmp/log', json: { c: '%RESPONSE_CODE%' }, filtered: false }])
})
