import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { answer, CORE, fakeApi } from '../../test/fake-api.ts'
import { sendRequest } from '../traffic/http.ts'
import { setDeadlineFactor } from './deadlines.ts'
import { eventually } from './eventually.ts'
import { inScope, Scope } from './scope.ts'
import { endTrace, flushTrace, startTrace, trace } from './trace.ts'

const newFile = () => join(mkdtempSync(join(tmpdir(), 'plumbline-trace-')), 'trace.jsonl')
const entriesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
const CALL = { type: 'call', api: 'aws', verb: 'DescribeCluster', path: 'eu-west-1', ms: 1.26, tries: 1 } as const
const inCheck = <T>(work: () => Promise<T>) => inScope(new Scope('mesh/a', new AbortController().signal, 'reads'), work)

afterEach(() => {
  endTrace()
  setDeadlineFactor(1)
  vi.restoreAllMocks()
})

describe('a trace', () => {
  test('has its entries in order, with their check', () => {
    const file = newFile()
    startTrace(file)
    trace('mesh/a', CALL)
    trace(undefined, { type: 'request', host: 'a.test', path: '/', status: 0, error: 'ECONNRESET', ms: 2 })
    flushTrace()
    const at = expect.any(String) as string
    expect(entriesOf(file)).toEqual([
      { at, check: 'mesh/a', ...CALL, ms: 1.3 },
      { at, type: 'request', host: 'a.test', path: '/', status: 0, error: 'ECONNRESET', ms: 2 },
    ])
  })

  test('is written by itself after a while', async () => {
    const file = newFile()
    startTrace(file)
    trace('mesh/a', CALL)
    await vi.waitFor(() => expect(entriesOf(file)).toHaveLength(1), { timeout: 60_000 })
  })

  test('that cannot be written says so once, and throws into no check', () => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    startTrace('/nowhere/trace.jsonl')
    for (let at = 0; at < 1000; at++) trace('mesh/a', CALL)
    flushTrace()
    expect(told.mock.calls).toEqual([[expect.stringMatching(/^The trace ends here, \/nowhere\/trace\.jsonl cannot/)]])
  })

  test('has the calls of the Kubernetes API with their tries, and neither a body nor a header', async () => {
    const file = newFile()
    let asked = 0
    await using fake = await fakeApi((request, response) => {
      if (request.path === '/api/v1') return answer(response, CORE)
      answer(response, { message: 'busy', items: [], metadata: {} }, ++asked === 1 ? 503 : 200)
    })
    await fake.api.served.resource('v1', 'Pod')
    startTrace(file)
    await inCheck(() => fake.api.list('v1/Pod', { labels: 'app=a' }))
    flushTrace()
    expect(entriesOf(file)).toEqual([
      {
        ...{ at: expect.any(String) as string, check: 'mesh/a', type: 'call', api: 'kubernetes', verb: 'GET' },
        ...{
          path: '/api/v1/pods?labelSelector=app%3Da&limit=500',
          status: 200,
          tries: 2,
          ms: expect.any(Number) as number,
        },
      },
    ])
  })

  test('has the waits with what they last saw, and the requests', async () => {
    const file = newFile()
    startTrace(file)
    setDeadlineFactor(0.02)
    await inCheck(() => eventually('a route', () => Promise.resolve('it answers 404'), 'accessLogged')).catch(() => 0)
    await inCheck(() => sendRequest({ address: '127.0.0.1', port: 1, host: 'a.test', path: '/x' }, { withinMs: 1000 }))
    flushTrace()
    expect(entriesOf(file)).toMatchObject([
      { check: 'mesh/a', type: 'wait', what: 'a route', lastSeen: 'it answers 404' },
      { check: 'mesh/a', type: 'request', host: 'a.test', path: '/x', status: 0, error: 'ECONNREFUSED' },
    ])
  })
})
