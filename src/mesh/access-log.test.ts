import { describe, expect, test } from 'vitest'
import { formatReader, readAccessLog } from './access-log.ts'

// A line of Istio 1.31's gateway, as it was.
const LINE = [
  '[2026-11-24T14:18:02.547Z] "GET /a?b=c HTTP/1.1" 200 - via_upstream - "-" 0 22 2 2 "10.244.3.1" ',
  '"curl/8.0 (a "quoted" agent)" "297cd91d-8d9a-4209-b1d6-9dcfbb2516f8" "hello.default.example.com" ',
  '"10.244.3.7:8012" outbound|80||hello-00002.default.svc.cluster.local 10.244.3.6:60972 10.244.3.6:8080 ',
  '10.244.3.1:10163 - -',
].join('')

describe('access logs', () => {
  test('a line of the default format', () => {
    expect(readAccessLog(LINE, 'TEXT')).toEqual({
      method: 'GET',
      path: '/a?b=c',
      response_code: '200',
      response_flags: '-',
      upstream_cluster: 'outbound|80||hello-00002.default.svc.cluster.local',
      duration: '2',
      request_id: '297cd91d-8d9a-4209-b1d6-9dcfbb2516f8',
      authority: 'hello.default.example.com',
    })
  })

  test('a line of JSON, its nulls as Envoy writes them in text', () => {
    const json = {
      method: 'GET',
      path: '/a',
      response_code: 404,
      response_flags: 'NR',
      upstream_cluster: null,
      duration: 0,
      request_id: 'x',
      authority: 'nowhere',
      bytes_sent: 0,
    }
    expect(readAccessLog(JSON.stringify(json), 'JSON')).toMatchObject({ response_code: '404', upstream_cluster: '-' })
    const { method: _, ...without } = json
    expect(readAccessLog(JSON.stringify(without), 'JSON')).toBeUndefined()
  })

  test('what is in the other encoding, cut off or none of it is no record', () => {
    expect(readAccessLog(LINE, 'JSON')).toBeUndefined()
    expect(readAccessLog('{"method":"GET"}', 'TEXT')).toBeUndefined()
    expect(readAccessLog(LINE.slice(0, 120), 'TEXT')).toBeUndefined()
    expect(readAccessLog('2026-11-24T14:02:03Z\tinfo\tEnvoy proxy is ready', 'TEXT')).toBeUndefined()
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
