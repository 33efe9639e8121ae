import { describe, expect, test } from 'vitest'
import { AccessLogReader, formatReader, isDefaultFormat } from './access-log.ts'

// A line of Istio 1.31's gateway, as it was.
const LINE = [
  '[2026-11-24T14:18:02.547Z] "GET /a?b=c HTTP/1.1" 200 - via_upstream - "-" 0 22 2 2 "10.244.3.1" ',
  '"curl/8.0 (a "quoted" agent)" "297cd91d-8d9a-4209-b1d6-9dcfbb2516f8" "hello.default.example.com" ',
  '"10.244.3.7:8012" outbound|80||hello-00002.default.svc.cluster.local 10.244.3.6:60972 10.244.3.6:8080 ',
  '10.244.3.1:10163 - -',
].join('')
const FIELDS = {
  method: 'GET',
  path: '/a?b=c',
  response_code: '200',
  response_flags: '-',
  upstream_cluster: 'outbound|80||hello-00002.default.svc.cluster.local',
  duration: '2',
  request_id: '297cd91d-8d9a-4209-b1d6-9dcfbb2516f8',
  authority: 'hello.default.example.com',
}

describe('access logs', () => {
  test("a line of Istio's format", () => {
    expect(new AccessLogReader({}).read(LINE)).toEqual(FIELDS)
  })

  test('JSON by its operators, whatever the keys: nested, composed, null, and left out where it is empty', () => {
    const reader = new AccessLogReader({
      json: {
        code: '%RESPONSE_CODE%',
        request: { line: '%REQ(:method)% %REQ(:path):2000% %PROTOCOL%', host: '%REQ(:AUTHORITY)%' },
        cluster: '%UPSTREAM_CLUSTER%',
        took: '%DURATION%',
        env: 'prod',
      },
    })
    expect(reader.fields).toEqual(['method', 'path', 'response_code', 'upstream_cluster', 'duration', 'authority'])
    const line = { code: 404, request: { line: 'GET /a HTTP/2', host: 'nowhere' }, cluster: null, env: 'prod' }
    expect(reader.read(JSON.stringify(line))).toEqual({
      ...{ method: 'GET', path: '/a', response_code: '404', upstream_cluster: '-', duration: '-' },
      authority: 'nowhere',
    })
    expect(reader.read(JSON.stringify({ level: 'info', msg: 'Envoy proxy is ready' }))).toBeUndefined()
    expect(reader.read(LINE)).toBeUndefined()
  })

  test("a text of somebody's own, with some of the fields", () => {
    const reader = new AccessLogReader({ text: '%RESPONSE_CODE% %REQ(:PATH)% "%REQ(USER-AGENT)%"\n' })
    expect(reader.fields).toEqual(['path', 'response_code'])
    expect(reader.read('200 /a "curl 8"')).toEqual({ path: '/a', response_code: '200' })
    expect(reader.has('authority')).toBe(false)
  })

  test('what is of another format, cut off or none of it is no record', () => {
    const reader = new AccessLogReader({})
    expect(reader.read('{"method":"GET"}')).toBeUndefined()
    expect(reader.read(LINE.slice(0, 120))).toBeUndefined()
    expect(reader.read('2026-11-24T14:02:03Z\tinfo\tEnvoy proxy is ready')).toBeUndefined()
  })

  test("lines of Istio's own formats", () => {
    const json = JSON.stringify({ ...FIELDS, bytes_sent: 0, upstream_cluster: null })
    expect([isDefaultFormat(LINE, 'TEXT'), isDefaultFormat(json, 'JSON')]).toEqual([true, true])
    expect([isDefaultFormat(json, 'TEXT'), isDefaultFormat(LINE, 'JSON')]).toEqual([false, false])
    const { method: _, ...without } = FIELDS
    expect(isDefaultFormat(JSON.stringify(without), 'JSON')).toBe(false)
  })

  test('a format of somebody: exactly its fields, and nothing of another shape', () => {
    const read = formatReader('(%REQ(:METHOD)%) %RESPONSE_CODE% "%REQ(USER-AGENT?X-AGENT)%" 100%%START_TIME%\n')
    expect(read('(GET) 200 "a b" 100%12:00')).toEqual({
      'REQ(:METHOD)': 'GET',
      RESPONSE_CODE: '200',
      'REQ(USER-AGENT?X-AGENT)': 'a b',
      START_TIME: '12:00',
    })
    expect(read('GET 200 "a b" 100%12:00')).toBeUndefined()
    expect(read('(GET) 200 "a b" 100%12:00 more\nlines')).toBeUndefined()
  })
})
