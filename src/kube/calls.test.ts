import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { setDeadlineFactor } from '../core/deadlines.ts'
import { ClusterProblem } from '../core/problem.ts'
import { ApiRefusal } from './errors.ts'
import { answer, CORE, fakeApi } from '../../test/fake-api.ts'

/** An API whose n-th answer is the test's, for all but discovery. */
const answering = async (respond: (asked: number, response: ServerResponse) => void) => {
  const count = { asked: 0 }
  const fake = await fakeApi((request, response) => {
    if (request.path === '/api/v1') return answer(response, CORE)
    respond(++count.asked, response)
  })
  return Object.assign(fake, { count })
}
const problemOf = (call: Promise<unknown>) => call.then(String, (thrown: unknown) => thrown as Error)
const list = (response: ServerResponse) => answer(response, { metadata: { resourceVersion: '5' }, items: [] })

afterEach(() => setDeadlineFactor(1))

describe('a call', () => {
  test.each([429, 500, 502, 503, 504])('is made again after %d', async (code) => {
    await using fake = await answering((asked, response) =>
      asked < 3 ? answer(response, { message: 'busy' }, code) : list(response),
    )
    await fake.api.list('v1/Pod')
    expect(fake.count.asked).toBe(3)
  })

  test('that is never answered well is a problem of the cluster after four tries', async () => {
    await using fake = await answering((_, response) => answer(response, { message: 'busy' }, 503))
    const problem = await problemOf(fake.api.list('v1/Pod'))
    expect(problem).toBeInstanceOf(ClusterProblem)
    expect(problem).toHaveProperty('transient', true)
    expect(problem).toHaveProperty('message', 'GET /api/v1/pods: the API server answered 503: busy (tried 4 times)')
    expect(fake.count.asked).toBe(4)
  })

  test('waits for as long as Retry-After says', async () => {
    const at: number[] = []
    await using fake = await answering((asked, response) => {
      at.push(performance.now())
      response.setHeader('retry-after', '1')
      return asked === 1 ? answer(response, { message: 'busy' }, 429) : list(response)
    })
    await fake.api.list('v1/Pod')
    expect(at[1]! - at[0]!).toBeGreaterThan(950)
  })

  test('does not wait for a Retry-After beyond its deadline', async () => {
    await using fake = await answering((_, response) => {
      response.setHeader('retry-after', '3600')
      answer(response, { message: 'busy' }, 429)
    })
    const problem = await problemOf(fake.api.list('v1/Pod'))
    expect(problem).toHaveProperty('message', 'GET /api/v1/pods: the API server answered 429: busy')
  })

  test('whose connection breaks off is made again', async () => {
    await using fake = await answering((asked, response) => (asked < 3 ? response.destroy() : list(response)))
    await fake.api.list('v1/Pod')
    expect(fake.count.asked).toBe(3)
  })

  test.each([
    [
      'in the middle of its body',
      (response: ServerResponse) => void response.writeHead(200).write('{"items": ['),
      true,
    ],
    ['as JSON that is cut short', (response: ServerResponse) => void response.end('{"items": ['), false],
    [
      'before the length that it tells',
      (response: ServerResponse) => void response.writeHead(200, { 'content-length': '90' }).write('{'),
      true,
    ],
  ])('whose answer ends %s is made again, and then told', async (_, half, cut) => {
    await using fake = await answering((_, response) => {
      half(response)
      if (cut) setTimeout(() => response.destroy(), 5)
    })
    const problem = await problemOf(fake.api.list('v1/Pod'))
    expect(problem).toBeInstanceOf(ClusterProblem)
    expect(problem).toHaveProperty('message', expect.stringMatching(/^GET .*(broke off|not complete JSON).*4 times/))
    expect(fake.count.asked).toBe(4)
  })

  test('that is not answered ends by its time limit', async () => {
    await using fake = await answering(() => undefined)
    setDeadlineFactor(0.005)
    await expect(fake.api.clock()).rejects.toThrow(/^reading the clock of the API server: .* did not answer in time$/)
    const follow = fake.api.followLog({ name: 'a', namespace: 'b' }, {}, new AbortController().signal)
    await expect(follow.next()).rejects.toThrow(/^following the log of b\/a: .* did not answer in time$/)
  })

  test('of an eviction is not made again where a budget forbids it', async () => {
    const details = { causes: [{ reason: 'DisruptionBudget' }] }
    await using fake = await answering((_, response) => answer(response, { message: 'no', details }, 429))
    const problem = await problemOf(fake.api.evict('a', 'b'))
    expect(problem).toBeInstanceOf(ApiRefusal)
    expect(fake.count.asked).toBe(1)
  })

  test('of an eviction is made again where the server is busy, and not where its connection broke', async () => {
    await using busy = await answering((asked, response) => answer(response, {}, asked === 1 ? 429 : 201))
    await busy.api.evict('a', 'b')
    expect(busy.count.asked).toBe(2)
    await using broken = await answering((_, response) => response.destroy())
    await expect(broken.api.evict('a', 'b')).rejects.toThrow(ClusterProblem)
    expect(broken.count.asked).toBe(1)
  })

  test('that a webhook refuses stays a refusal, at once', async () => {
    const message = 'Internal error occurred: failed calling webhook "a.b": connection refused'
    await using fake = await answering((_, response) => answer(response, { message }, 500))
    const problem = await problemOf(
      fake.api.dryCreate({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }),
    )
    expect(problem).toBeInstanceOf(ApiRefusal)
    expect(fake.count.asked).toBe(1)
  })

  test("to a proxied backend gives the backend's refusal as it is", async () => {
    await using fake = await answering((_, response) => response.writeHead(503).end('no disk'))
    const problem = await problemOf(fake.api.raw('GET', '/api/v1/namespaces/a/services/b/proxy/x'))
    expect(problem).toBeInstanceOf(ApiRefusal)
    expect(fake.count.asked).toBe(1)
  })
})
