import { describe, expect, test } from 'vitest'
import { LoadRun, type Generator } from './load-run.ts'
import { drawCourse } from './picture.ts'

const point = (metric: string, value: number, tags: Record<string, string> = {}) =>
  JSON.stringify({ metric, type: 'Point', data: { time: new Date().toISOString(), value, tags } })

const generator = (lines: string[], end: { code: number | undefined; said?: string }): Generator => ({
  lines: (async function* () {
    for (const line of lines) yield Promise.resolve(line)
    await Promise.resolve()
  })(),
  ended: Promise.resolve({ said: '', ...end }),
  stop: () => undefined,
})
const GOOD = point('first_byte', 12, { status: '200', version: 'v1', scenario: 'steady' })

describe('a k6 script under way', () => {
  test('gives each request once, with what became of it, and what else k6 writes is passed over', async () => {
    const lines = [
      '{"type":"Metric","data":{"name":"first_byte"},"metric":"first_byte"}',
      GOOD,
      point('http_reqs', 1),
      point('first_byte', 3, { status: '0', error: 'dial: connection refused' }),
    ]
    const { samples, crossed } = await new LoadRun('steady', generator(lines, { code: 0 })).ended()
    expect(samples.map(({ status, version, error, part }) => ({ status, version, error, part }))).toEqual(
      expect.arrayContaining([
        { status: 200, version: 'v1', error: undefined, part: 'steady' },
        { status: 0, version: undefined, error: 'dial: connection refused', part: undefined },
      ]),
    )
    expect(crossed).toEqual([])
  })

  test('names the metrics whose thresholds were crossed', async () => {
    const said = `level=error msg="thresholds on metrics 'http_req_failed, refused' have been crossed"`
    const { crossed } = await new LoadRun('steady', generator([GOOD], { code: 99, said })).ended()
    expect(crossed).toEqual(['http_req_failed', 'refused'])
  })

  test('that could not keep its rate is a fault of the harness', async () => {
    const run = new LoadRun('panic', generator([GOOD, point('dropped_iterations', 4)], { code: 99 }))
    await expect(run.ended()).rejects.toMatchObject({
      name: 'LoadProblem',
      message: expect.stringMatching(
        /^k6 could not keep the rate of load\/panic\.ts: 4 of 5 requests were not sent/,
      ) as string,
    })
  })

  test.each([
    [{ code: 107, said: 'some line\nURL is not set' }, /k6 ended load\/steady\.ts with exit code 107: URL is not set/],
    [{ code: undefined }, /without an exit code: it wrote no message/],
    [{ code: 105 }, /exit code 105/],
  ])('that died is one too: %o', async (end, message) => {
    const run = new LoadRun('steady', generator([GOOD], end))
    await expect(run.ended()).rejects.toThrow(message)
    await expect(run.until('more', () => 'nothing came', 'steady')).rejects.toThrow(message)
  })

  test('that was stopped by us ended rightly, and one that sent nothing did not', async () => {
    const stopped = new LoadRun('background', generator([GOOD], { code: 105 }))
    expect((await stopped.end()).samples).toHaveLength(1)
    await expect(new LoadRun('background', generator([], { code: 0 })).ended()).rejects.toThrow(/k6 sent no request/)
  })
})

describe('what is made of samples', () => {
  test('a picture has every series, the fault and the modes, and no colour of its own', async () => {
    const svg = await drawCourse({
      title: 'chaos/kill-gateway',
      samples: Array.from({ length: 40 }, (_, at) => ({ due: at * 50, ms: 10, status: at === 7 ? 503 : 200 })),
      stairs: [{ name: 'pods Ready', steps: [{ at: 0, value: 2 }] }],
      mode: [{ at: 0, value: 'Proxy' }],
      spans: [{ name: 'fault', from: 500, to: 900 }],
    })
    for (const text of ['chaos/kill-gateway', 'offered', 'served', 'failed', 'p95', 'pods Ready', 'Proxy', 'fault'])
      expect(svg).toContain(text)
    expect(svg).toMatch(/prefers-color-scheme: dark/)
    expect(svg).toContain('var(--line-1)')
    expect(svg).not.toMatch(/href=|<script/)
  })
})
