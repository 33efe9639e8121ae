import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { timeLimit } from './time-limit.ts'
import { sendFor } from '../traffic/closed-loop.ts'

describe('a limit in time', () => {
  test('holds though the garbage collector runs before it: traffic that nobody stops ends', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const send = async () => {
      collect()
      await new Promise((resolve) => setTimeout(resolve, 20))
      return { status: 200, headers: {}, body: '', ms: 20 }
    }
    const { seconds } = await sendFor(1, 0.5, new AbortController().signal, send)
    expect(seconds).toBeGreaterThanOrEqual(0.5)
    expect(seconds).toBeLessThan(60)
  })

  test('says whether the time passed, or the other signal came first', async () => {
    const other = new AbortController()
    using early = timeLimit(60_000, other.signal)
    other.abort(new Error('enough'))
    expect([early.signal.aborted, early.passed(), (early.signal.reason as Error).message]).toEqual([
      true,
      false,
      'enough',
    ])
    using late = timeLimit(10)
    await expect.poll(() => late.passed()).toBe(true)
    expect((late.signal.reason as Error).name).toBe('TimeoutError')
    expect(timeLimit(60_000, other.signal).signal.aborted).toBe(true)
  })
})
