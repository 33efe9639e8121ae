import { afterEach, describe, expect, test } from 'vitest'
import { setDeadlineFactor } from '../core/deadlines.ts'
import { inScope, Scope } from '../core/scope.ts'
import { allTrue, missingCondition, podsReady, until } from './until.ts'
import { recordWhile } from './timeline.ts'
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
    setDeadlineFactor(0.003)
    await expect(until(fake.api, watched, allTrue('Ready'), 'podReady')).rejects.toThrow()
    expect(seen.slice(0, 3)).toEqual(['list', 'watch 5', 'list'])
  })

  test('fails at its deadline with what was last missing', async () => {
    await using fake = await watching([pod('False')], [])
    setDeadlineFactor(0.003)
    await expect(until(fake.api, watched, allTrue('Ready'), 'podReady')).rejects.toThrow(
      /^Pod b\/a: not met within \d+ s\. Last seen: Ready of Pod b\/a is False \(Why\)\.$/,
    )
  })

  test('ends with the check that it belongs to', async () => {
    await using fake = await watching([pod('False')], [])
    const cut = new AbortController()
    const waiting = inScope(new Scope('x/y', cut.signal), () => until(fake.api, watched, allTrue('Ready'), 'podReady'))
    cut.abort(new Error('cut short'))
    await expect(waiting).rejects.toThrow('cut short')
  })
})

test('a recording has every state, the first among them', async () => {
  await using fake = await watching(
    [pod('False')],
    [
      { type: 'MODIFIED', object: pod('True') },
      { type: 'DELETED', object: pod('True') },
    ],
  )
  const { snapshots } = await recordWhile(fake.api, watched, () =>
    until(
      fake.api,
      { ...watched, name: 'z' },
      (objects) => (objects[0]?.status.conditions[0].status === 'True' ? undefined : 'x'),
      'podReady',
    ),
  )
  expect(
    snapshots.map(({ objects }) => objects.map((object) => object.status.conditions[0].status)).slice(0, 2),
  ).toEqual([['False'], ['True']])
})

describe('a condition', () => {
  test('of an older generation does not count', () => {
    const object = {
      kind: 'Service',
      metadata: { name: 's', generation: 2 },
      status: { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] },
    }
    expect(missingCondition(object, 'Ready')).toBe('Service s is at generation 2, its status still at 1')
    expect(
      missingCondition({ ...object, status: { ...object.status, observedGeneration: 2 } }, 'Ready'),
    ).toBeUndefined()
  })

  test('is not met by no object at all', () => {
    expect(allTrue('Ready')([])).toBe('0 of 1 are there')
    expect(podsReady(1)([])).toBe('0 of 1 pods Ready')
  })

  test('of a pod that is on its way out does not count', () => {
    expect(podsReady(1)([pod('True', { deletionTimestamp: 'now' })])).toBe('0 of 1 pods Ready')
  })
})
