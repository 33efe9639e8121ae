import { afterEach, describe, expect, test } from 'vitest'
import { deadline, setDeadlineFactor } from '../core/deadlines.ts'
import type { Stack } from '../stack/stack.ts'
import { SampleLog, type Sample } from '../traffic/samples.ts'
import { longestGap, throughFault, trafficSeconds } from './experiment.ts'

afterEach(() => setDeadlineFactor(1))

/** Traffic of good answers, one every two milliseconds, until it is ended. */
class FakeTraffic extends SampleLog {
  ended = 0
  readonly #timer = setInterval(() => this.keep({ due: this.now, ms: 1, status: 200 }), 2)

  end(): Promise<{ samples: Sample[]; crossed: string[] }> {
    this.ended++
    clearInterval(this.#timer)
    return Promise.resolve({ samples: this.samples, crossed: [] })
  }
}

function contextOf() {
  const started: Record<string, unknown>[] = []
  const attached: string[] = []
  let traffic: FakeTraffic | undefined
  const stack = {
    ingress: { until: () => Promise.resolve() },
    load: {
      start: (_: string, { parameters }: { parameters: Record<string, unknown> }) => {
        started.push(parameters)
        traffic = new FakeTraffic()
        return Promise.resolve(traffic)
      },
    },
  } as unknown as Stack
  const context = { stack, attach: (name: string) => void attached.push(name), measure: () => undefined }
  return { context, started, attached, traffic: () => traffic! }
}
const OF = { name: 'chaos/x', host: 'x' }

describe('traffic under a fault', () => {
  test.each([1, 2, 0.5])('is given as long as the longest check with a fault may take, times %f', (factor) => {
    setDeadlineFactor(factor)
    expect(trafficSeconds()).toBe(600 * factor)
    for (const name of ['faultCheck', 'nlbCheck', 'drainCheck'] as const)
      expect(trafficSeconds() * 1000).toBeGreaterThanOrEqual(deadline(name))
  })

  test('ends when the work of the fault is over', async () => {
    const { context, started, traffic, attached } = contextOf()
    const observed = await throughFault(context, OF, () => Promise.resolve('done'))
    expect(observed).toMatchObject({ failed: 0, result: 'done' })
    expect(started).toEqual([{ RATE: 20, SECONDS: 600, FAILED: 1_000_000 }])
    expect(traffic().ended).toBe(1)
    expect(attached).toEqual(['course.svg'])
  })

  test('ends where the fault fails, and leaves its picture', async () => {
    const { context, traffic, attached } = contextOf()
    await expect(throughFault(context, OF, () => Promise.reject(new Error('no room')))).rejects.toThrow('no room')
    expect(traffic().ended).toBe(1)
    expect(attached).toEqual(['course.svg'])
  })
})

test('the longest gap is between requests that were answered well, whenever their answers came', () => {
  const good = (due: number, ms = 5) => ({ due, ms, status: 200 })
  expect(longestGap([good(0), good(100, 900), { due: 150, ms: 1, status: 503 }, good(400)])).toBe(300)
  expect(longestGap([])).toBe(0)
})
