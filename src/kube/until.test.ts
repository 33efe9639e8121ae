import { afterEach, describe, expect, test } from 'vitest'
import type { ServerResponse } from 'node:http'
import { setDeadlineFactor } from '../core/deadlines.ts'
import { ClusterProblem, StackFailure } from '../core/problem.ts'
import { inScope, Scope } from '../core/scope.ts'
import { allTrue, missingCondition, podsReady, until } from './until.ts'
import { answer, CORE, fakeApi } from '../../test/fake-api.ts'

const pod = (ready: string, more = {}) => ({
  metadata: { name: 'a', namespace: 'b', ...more },
  status: { conditions: [{ type: 'Ready', status: ready, reason: 'Why' }] },
})
const watched = { kind: 'v1/Pod', namespace: 'b', name: 'a' }

/** An API whose LIST gives `first` and whose watch then gives the events, one after the other. */
const watching = (first: object[], events: object[], seen: string[] = []) =>
  fakeApi((request, response) => {
    if (request.path === '/api/v1') return answer(response, CORE)
    seen.push(`${request.query.get('watch') ? 'watch' : 'list'} ${request.query.get('resourceVersion') ?? ''}`.trim())
    if (!request.query.get('watch')) return answer(response, { metadata: { resourceVersion: '5' }, items: first })
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    for (const event of events) response.write(`${JSON.stringify(event)}\n`)
  })

afterEach(() => setDeadlineFactor(1))

describe('until', () => {
  test('reads once, then watches from there', async () => {
    const seen: string[] = []
    await using fake = await watching([pod('False')], [{ type: 'MODIFIED', object: pod('True') }], seen)
    const [met] = await until(fake.api, watched, allTrue('Ready'), 'podReady')
    expect(met?.status.conditions[0].status).toBe('True')
    expect(seen).toEqual(['list', 'watch 5'])
  })

  test('needs no watch where it is met already', async () => {
    const seen: string[] = []
    await using fake = await watching([pod('True')], [], seen)
    await until(fake.api, watched, podsReady(1), 'podReady')
    expect(seen).toEqual(['list'])
  })

  test('reads again where the server says that its version is too old', async () => {
    const seen: string[] = []
    await using fake = await watching([], [{ type: 'ERROR', object: { code: 410 } }], seen)
    setDeadlineFactor(0.02)
    await expect(until(fake.api, watched, allTrue('Ready'), 'podReady')).rejects.toThrow()
    expect(seen.slice(0, 3)).toEqual(['list', 'watch 5', 'list'])
  })

  test('fails at its deadline with what was last missing', async () => {
    await using fake = await watching([pod('False')], [])
    setDeadlineFactor(0.2)
    await expect(until(fake.api, watched, allTrue('Ready'), 'accessLogged')).rejects.toThrow(
      /^Pod b\/a: Ready is False \(Why\); expected Ready=True, after 2 s$/,
    )
  })

  test('ends with the check that it belongs to', async () => {
    await using fake = await watching([pod('False')], [])
    const cut = new AbortController()
    const waiting = inScope(new Scope('x/y', cut.signal, 'reads'), () =>
      until(fake.api, watched, allTrue('Ready'), 'podReady'),
    )
    cut.abort(new Error('cut short'))
    await expect(waiting).rejects.toThrow('cut short')
  })
})

describe('an API that does not hold', () => {
  /** A LIST and a watch as the test has them; `asked` counts both. */
  const shaky = (answerTo: (isWatch: boolean, asked: number, response: ServerResponse) => void) => {
    const asked = { list: 0, watch: 0 }
    const api = fakeApi((request, response) => {
      if (request.path === '/api/v1') return answer(response, CORE)
      const isWatch = request.query.has('watch')
      answerTo(isWatch, ++asked[isWatch ? 'watch' : 'list'], response)
    })
    return api.then((fake) => Object.assign(fake, { asked }))
  }
  const list = (response: ServerResponse, items: object[]) =>
    answer(response, { metadata: { resourceVersion: '5' }, items })

  test('that answers no LIST is told at the deadline, as no failure of the stack', async () => {
    await using fake = await shaky(() => undefined)
    setDeadlineFactor(0.03)
    const problem = await until(fake.api, watched, allTrue('Ready'), 'accessLogged').catch((thrown: unknown) => thrown)
    expect(problem).toBeInstanceOf(ClusterProblem)
    expect((problem as Error).message).toBe('no Pod b/a within 0.3 s: the API server answered no LIST')
  })

  test('that refuses LISTs for a while is asked again', async () => {
    await using fake = await shaky((_, asked, response) =>
      asked <= 5 ? answer(response, { message: 'starting' }, 503) : list(response, [pod('True')]),
    )
    await until(fake.api, watched, podsReady(1), 'podReady')
    expect(fake.asked.list).toBe(6)
  })

  test('that refuses LISTs for good is told with its own words', async () => {
    await using fake = await shaky((_, __, response) => answer(response, { message: 'etcd is away' }, 503))
    setDeadlineFactor(0.03)
    await expect(until(fake.api, watched, podsReady(1), 'podReady')).rejects.toThrow(
      /^no Pod b\/a within 2\.7 s: GET \/api\/v1\/namespaces\/b\/pods: the API server answered 503: etcd is away \(tried \d times\)$/,
    )
  })

  test.each([
    ['a line that is no JSON', '<html>\n', /delivered a line that is no JSON: <html>/],
    ['an object without metadata', '{"type":"ADDED","object":{}}\n', /delivered a line that is no event: \{"type"/],
    ['half a line', '{"type":"ADD', /delivered a line that is no JSON: \{"type":"ADD/],
    ['nothing that is an event', 'null\n', /delivered a line that is no event: null/],
    ['an error', '{"type":"ERROR","object":{"code":500,"message":"etcd"}}\n', /the watch ended with 500: etcd/],
  ])('that delivers %s in a watch is begun again, not in a hot loop, and told', async (_, text, told) => {
    await using fake = await shaky((isWatch, __, response) =>
      isWatch ? response.end(text) : list(response, [pod('False')]),
    )
    setDeadlineFactor(0.02)
    const problem = await until(fake.api, watched, allTrue('Ready'), 'podReady').catch((thrown: unknown) => thrown)
    expect(problem).toBeInstanceOf(StackFailure)
    expect((problem as Error).message).toMatch(/^Pod b\/a: Ready is False .* the watch was begun again \d times: /)
    expect((problem as Error).message).toMatch(told)
    expect(fake.asked.list).toBeLessThan(8)
    expect(fake.asked.list).toBeGreaterThan(1)
  })

  test('whose watch is closed at once is asked with growing pauses, from the version that was seen last', async () => {
    await using fake = await shaky((isWatch, asked, response) => {
      if (!isWatch) return list(response, [pod('False')])
      if (asked < 4) return response.end()
      response.end(`${JSON.stringify({ type: 'MODIFIED', object: pod('True', { resourceVersion: '6' }) })}\n`)
    })
    await until(fake.api, watched, allTrue('Ready'), 'podReady')
    expect(fake.asked).toEqual({ list: 1, watch: 4 })
  })

  test('lets what a condition throws through', async () => {
    await using fake = await watching([], [{ type: 'ADDED', object: pod('True') }])
    const broken = (objects: readonly object[]) => {
      if (objects.length) throw new Error('a bug of the condition')
      return 'none'
    }
    await expect(until(fake.api, watched, broken, 'podReady')).rejects.toThrow('a bug of the condition')
  })
})

describe('a condition', () => {
  test('of an older generation does not count', () => {
    const object = {
      kind: 'Service',
      metadata: { name: 's', generation: 2 },
      status: { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] },
    }
    expect(missingCondition(object, 'Ready')).toBe('Service s: status.observedGeneration is 1, expected 2')
    expect(
      missingCondition({ ...object, status: { ...object.status, observedGeneration: 2 } }, 'Ready'),
    ).toBeUndefined()
  })

  test('is not met by no object at all', () => {
    expect(allTrue('Ready')([])).toBe('0 of 1 objects exist')
    expect(podsReady(1)([])).toBe('0 of 1 pods Ready')
  })

  test('of a pod that is on its way out does not count', () => {
    expect(podsReady(1)([pod('True', { deletionTimestamp: 'now' })])).toBe('0 of 1 pods Ready')
  })
})
