import { afterEach, describe, expect, test } from 'vitest'
import { setDeadlineFactor } from '../core/deadlines.ts'
import { untilLogged } from './log-stream.ts'
import { answer, CORE, fakeApi } from '../../test/fake-api.ts'

const WHOSE = { namespace: 'istio-system', labels: 'istio=ingressgateway' }
const has = (text: string) => (lines: readonly { text: string }[]) =>
  lines.some((line) => line.text === text) ? undefined : `${lines.length} lines, none with it`

/** An API with pods whose logs are what the test says: lines, and whether the stream ends after them. */
const logging = (pods: string[], logOf: (pod: string, asked: number) => { lines: string[]; ends: boolean }) => {
  const asked = new Map<string, number>()
  return fakeApi((request, response) => {
    if (request.path === '/api/v1') return answer(response, CORE)
    const pod = /pods\/([^/]+)\/log$/.exec(request.path)?.[1]
    if (!pod)
      return answer(response, {
        metadata: { resourceVersion: '1' },
        items: pods.map((name) => ({ metadata: { name } })),
      })
    asked.set(pod, (asked.get(pod) ?? 0) + 1)
    const { lines, ends } = logOf(pod, asked.get(pod) ?? 0)
    response.writeHead(200)
    response.flushHeaders()
    for (const line of lines) response.write(`${line}\n`)
    if (ends) response.end()
  })
}

afterEach(() => setDeadlineFactor(1))

describe('following logs', () => {
  test('finds a line in any pod of the label', async () => {
    await using fake = await logging(['a', 'b'], (pod) => ({ lines: [`hello from ${pod}`], ends: false }))
    const lines = await untilLogged(fake.api, WHOSE, performance.now(), 'a line', has('hello from b'), 'accessLogged')
    expect(lines).toContainEqual({ pod: 'b', text: 'hello from b' })
  })

  test('opens a stream anew that is cut off, and reads it from the start: no line counts twice', async () => {
    await using fake = await logging(['a'], (_, asked) => ({
      lines: asked === 1 ? ['first'] : ['first', 'second'],
      ends: asked === 1,
    }))
    const lines = await untilLogged(fake.api, WHOSE, performance.now(), 'a line', has('second'), 'accessLogged')
    expect(lines.map(({ text }) => text)).toEqual(['first', 'second'])
  })

  test('says at the deadline whose stream was cut off', async () => {
    await using fake = await logging(['a', 'b'], (pod) => ({ lines: ['other'], ends: pod === 'b' }))
    setDeadlineFactor(0.05)
    await expect(
      untilLogged(fake.api, WHOSE, performance.now(), 'the request /x in the access log', has('/x'), 'accessLogged'),
    ).rejects.toThrow(
      /the request \/x in the access log: not met within 0.5 s in the logs of a, b; last: \d lines, none with it; the log stream of b was cut off \(the API server ended it\)/,
    )
  })

  test('says that there is no pod to read', async () => {
    await using fake = await logging([], () => ({ lines: [], ends: true }))
    await expect(untilLogged(fake.api, WHOSE, performance.now(), 'a line', has('x'), 'accessLogged')).rejects.toThrow(
      'There is no pod with the label istio=ingressgateway in istio-system.',
    )
  })
})
