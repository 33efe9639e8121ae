import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { stackSchema } from '../config/stack-schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { inScope, Scope } from '../core/scope.ts'
import type { Agent } from '../traffic/agent.ts'
import type { Ingress } from '../traffic/ingress.ts'
import { Load, loadFrom } from './load.ts'

const config = (more: object = {}) => stackSchema.parse({ target: 'twin', ...more })
const loadOf = (more: object = {}) => {
  const at = () => Promise.resolve({ scheme: 'http', address: '10.0.0.1', port: 80 })
  const ingress = { at, headers: {} } as unknown as Ingress
  return new Load({ config: config(more), run: {} } as unknown as Cluster, ingress, {} as Agent)
}
const MOST = Math.max(1, Math.floor(availableParallelism() / 2))
const scopeOf = (id: string, signal = new AbortController().signal) => new Scope(id, signal, 'writes')

describe('turns to send load', () => {
  test('go to as many at once as half the processors, in the order in which they were asked for', async () => {
    const load = loadOf()
    const order: number[] = []
    let now = 0
    let most = 0
    const work = (number: number) => async () => {
      order.push(number)
      most = Math.max(most, ++now)
      await new Promise((resolve) => setTimeout(resolve, 20))
      now--
      return number
    }
    const numbers = Array.from({ length: MOST * 3 }, (_, at) => at)
    expect(await Promise.all(numbers.map((number) => load.inTurn(work(number))))).toEqual(numbers)
    expect(order).toEqual(numbers)
    expect(most).toBe(MOST)
  })

  test('are waited for by the check that asked, as a turn and not as the stack', async () => {
    const load = loadOf()
    const scope = scopeOf('knative/a')
    await inScope(scope, () => load.inTurn(() => Promise.resolve()))
    expect(scope.waited.map((wait) => [wait.what, wait.for])).toEqual([['a turn to send load', 'turn']])
  })

  test('pass over a check that was aborted before its own, and the next one has its turn', async () => {
    const load = loadOf()
    const first = Promise.withResolvers<void>()
    const running = Array.from({ length: MOST }, () => load.inTurn(() => first.promise))
    const abort = new AbortController()
    let began = false
    const aborted = inScope(scopeOf('knative/b', abort.signal), () =>
      load.inTurn(() => Promise.resolve(void (began = true))),
    )
    const next = load.inTurn(() => Promise.resolve('next'))
    abort.abort(new Error('its deadline passed'))
    first.resolve()
    await expect(aborted).rejects.toThrow('its deadline passed')
    expect(await next).toBe('next')
    expect(began).toBe(false)
    await Promise.all(running)
  })

  test('are free again after work that failed', async () => {
    const load = loadOf()
    for (let at = 0; at <= MOST; at++)
      await expect(load.inTurn(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(await load.inTurn(() => Promise.resolve('after'))).toBe('after')
  })
})

test.each([
  [{}, 'here'],
  [{ vantage: 'cluster' }, 'job'],
  [{ vantage: 'cluster', load: { from: 'here' } }, 'here'],
  [{ load: { from: 'job' } }, 'job'],
])('load starts where stack.yaml says, else where requests start: %o', (more, from) => {
  expect(loadFrom(config(more))).toBe(from)
})

test('without k6 it says what to install or to set', async () => {
  await expect(loadOf().start('steady', { host: 'x', parameters: {} })).rejects.toMatchObject({
    name: 'LoadProblem',
    message: 'k6 not found: install k6 1.8 or newer, or set load.from: job in stack.yaml',
  })
})
