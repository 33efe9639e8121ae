import { afterEach, describe, expect, test } from 'vitest'
import { setDeadlineFactor } from '../core/deadlines.ts'
import { ClusterProblem } from '../core/problem.ts'
import { lineThat, untilLogged, type Line } from './log-stream.ts'
import { answer, CORE, fakeApi } from '../../test/fake-api.ts'

const WHOSE = { namespace: 'istio-system', labels: 'istio=ingressgateway' }
/** Waits for a line, and keeps all that were read. */
const has = (wanted: string) => {
  const lines: Line[] = []
  const line = lineThat(({ text }) => text === wanted)
  const take = (each: Line) => {
    lines.push(each)
    line.take(each)
  }
  return { lines, take, missing: line.missing }
}

/** An API with pods whose logs are what the test says: lines, and whether the stream ends after them. */
const logging = (
  pods: string[],
  logOf: (pod: string, asked: number) => { lines: string[]; ends: boolean } | undefined,
) => {
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
    const log = logOf(pod, asked.get(pod) ?? 0)
    if (!log) return answer(response, { message: 'the kubelet does not answer' }, 500)
    const { lines, ends } = log
    response.writeHead(200)
    response.flushHeaders()
    response.write(lines.map((line) => `${line}\n`).join(''))
    if (ends) response.end()
  })
}

afterEach(() => setDeadlineFactor(1))

describe('following logs', () => {
  test('finds a line in any pod of the label', async () => {
    await using fake = await logging(['a', 'b'], (pod) => ({ lines: [`10 hello from ${pod}`], ends: false }))
    const wanted = has('hello from b')
    await untilLogged(fake.api, WHOSE, performance.now(), 'a line', wanted, 'accessLogged')
    expect(wanted.lines).toContainEqual({ pod: 'b', text: 'hello from b' })
  })

  test('reads a stream that is cut off on from where it ended: no line counts twice, and none is lost', async () => {
    const streams = [
      ['10 first', '20 second', '20 third'],
      // It begins later than the one before, whose seconds are rounded, and repeats what is of the same moment.
      ['20 second', '20 third', '20 fourth', '19 late', '30 last'],
    ]
    await using fake = await logging(['a'], (_, asked) => ({ lines: streams[asked - 1] ?? [], ends: asked === 1 }))
    const wanted = has('last')
    await untilLogged(fake.api, WHOSE, performance.now(), 'a line', wanted, 'accessLogged')
    const texts = wanted.lines.map(({ text }) => text)
    expect(texts).toEqual(['first', 'second', 'third', 'fourth', 'last'])
  })

  test('takes lines in whatever order a stream has them', async () => {
    await using fake = await logging(['a'], () => ({ lines: ['20 out', '19 err', '21 last'], ends: false }))
    const wanted = has('last')
    await untilLogged(fake.api, WHOSE, performance.now(), 'a line', wanted, 'accessLogged')
    expect(wanted.lines.map(({ text }) => text)).toEqual(['out', 'err', 'last'])
  })

  test('costs the same for each line however many came before', async () => {
    const lines = Array.from({ length: 50_000 }, (_, at) => `${String(at).padStart(6, '0')} line ${at}`)
    await using fake = await logging(['a'], () => ({ lines, ends: false }))
    let taken = 0
    const counting = { take: () => void taken++, missing: () => (taken < lines.length ? `${taken} lines` : undefined) }
    await untilLogged(fake.api, WHOSE, performance.now(), 'all lines', counting, 'accessLogged')
    expect(taken).toBe(50_000)
  })

  test('says at the deadline whose stream was cut off', async () => {
    await using fake = await logging(['a', 'b'], (pod) => ({ lines: ['10 other'], ends: pod === 'b' }))
    setDeadlineFactor(0.2)
    await expect(
      untilLogged(fake.api, WHOSE, performance.now(), 'the request /x in the access log', has('/x'), 'accessLogged'),
    ).rejects.toThrow(
      /^the request \/x in the access log: 2 lines, none with it, after 2 s in the logs of a, b; the log stream of b was cut off \(the API server ended it\)$/,
    )
  })

  test('that cannot be read at all are no failure of the stack', async () => {
    await using fake = await logging(['a'], () => undefined)
    setDeadlineFactor(0.2)
    const wait = untilLogged(fake.api, WHOSE, performance.now(), 'a line', has('x'), 'accessLogged')
    const problem = await wait.catch((thrown: unknown) => thrown)
    expect(problem).toBeInstanceOf(ClusterProblem)
    expect(problem).toHaveProperty('message', expect.stringMatching(/the log stream of a was cut off \(.*kubelet/))
  })

  test('says that there is no pod to read', async () => {
    await using fake = await logging([], () => ({ lines: [], ends: true }))
    await expect(untilLogged(fake.api, WHOSE, performance.now(), 'a line', has('x'), 'accessLogged')).rejects.toThrow(
      'There is no pod with the label istio=ingressgateway in istio-system.',
    )
  })
})
