import { describe, expect, test } from 'vitest'
import { judgeCanary, requestsToJudge, stepOf, type CanaryLimits } from './gate.ts'
import { shareBounds, shareTest, SHARE_ERROR } from './shares.ts'

/** The chance of a count, by the binomial formula itself in logarithms: another way than that of the library. */
function chance(count: number, requests: number, share: number): number {
  if (share === 0 || share === 1) return Number(count === share * requests)
  let log = count * Math.log(share) + (requests - count) * Math.log(1 - share)
  for (let at = 1; at <= count; at++) log += Math.log(requests - count + at) - Math.log(at)
  return Math.exp(log)
}
const within = (lowest: number, highest: number, requests: number, share: number): number => {
  let sum = 0
  for (let count = lowest; count <= highest; count++) sum += chance(count, requests, share)
  return sum
}

describe('shares of traffic', () => {
  test.each([
    [0.05, [0, 0.2]],
    [0.2, [0.05, 0.5]],
    [0.5, [0.2, 1]],
    [0.5, [0.4, 0.6]],
    [0.3, [0.2, 0.4]],
    [1, [0.5]],
    [0, [0.05]],
  ])('%d is told from %j: the right one passes, the others do not, but once in a thousand times', (share, others) => {
    const { requests, lowest, highest } = shareTest(share, ...others)
    expect(1 - within(lowest, highest, requests, share)).toBeLessThanOrEqual(SHARE_ERROR)
    for (const other of others) expect(within(lowest, highest, requests, other)).toBeLessThanOrEqual(SHARE_ERROR)
  })

  test('with one request less the neighbour could pass', () => {
    const { requests } = shareTest(0.5, 0.4, 0.6)
    const [lowest, highest] = shareBounds(0.5, requests - 1)
    expect(within(lowest, highest, requests - 1, 0.4)).toBeGreaterThan(SHARE_ERROR)
  })

  test('what is no share, or is to be told from itself, is refused', () => {
    expect(() => shareTest(1.2, 0.5)).toThrow(/1.2 is no share/)
    expect(() => shareTest(0.5, 0.5)).toThrow(/told from another/)
    expect(() => shareTest(0.5)).toThrow(/told from another/)
  })
})

describe("the canary's gate", () => {
  const limits: CanaryLimits = { failing: 0.01, mustCatch: 0.2, p95Ms: 500 }
  const step = (requests: number, failed: number, p95Ms = 100) => judgeCanary({ requests, failed, p95Ms }, limits)

  test('waits until there are enough requests, and promotes then', () => {
    const needed = requestsToJudge(limits)
    expect(step(0, 0).go).toBe('wait')
    expect(step(needed - 1, 0)).toEqual({ go: 'wait', why: `0 of ${needed - 1} requests failed: too few to judge it` })
    expect(step(needed, 0)).toEqual({ go: 'promote' })
  })

  test('aborts as soon as failures are more than chance', () => {
    expect(step(1, 1).go).toBe('wait')
    expect(step(3, 3)).toEqual({ go: 'abort', by: 'failures', why: '3 of 3 requests failed, where 1 % may' })
    expect(step(1000, 10).go).toBe('promote')
    expect(step(1000, 200).go).toBe('abort')
  })

  test('aborts for what is slow, whatever its success rate', () => {
    expect(step(200, 0, 501)).toEqual({ go: 'abort', by: 'latency', why: 'p95 is 501 ms, the limit 500 ms' })
    expect(judgeCanary({ requests: 200, failed: 0, p95Ms: NaN }, limits).go).toBe('abort')
  })

  test('counts what has no answer as failed, and its time with the others', () => {
    const samples = [
      { due: 0, ms: 10, status: 200 },
      { due: 1, ms: 900, status: 0, error: 'ECONNRESET' },
      { due: 2, ms: 20, status: 503 },
    ]
    const { requests, failed, p95Ms } = stepOf(samples)
    expect([requests, failed]).toEqual([3, 2])
    expect(p95Ms).toBeGreaterThan(500)
  })

  test('limits that mean nothing are refused', () => {
    for (const wrong of [{ failing: 0 }, { mustCatch: 1 }, { failing: 0.3, mustCatch: 0.2 }])
      expect(() => judgeCanary({ requests: 1, failed: 0, p95Ms: 1 }, { ...limits, ...wrong })).toThrow(RangeError)
  })

  test('errs either way no more than it says, however often it is asked', () => {
    let random = 1
    // A generator of its own (xorshift), so that this run is every run.
    const next = () => {
      random ^= random << 13
      random ^= random >>> 17
      random ^= random << 5
      return (random >>> 0) / 2 ** 32
    }
    const judge = (failing: number): string => {
      for (let requests = 1, failed = 0; ; requests++) {
        if (next() < failing) failed++
        const { go } = judgeCanary({ requests, failed, p95Ms: 1 }, limits)
        if (go !== 'wait') return go
      }
    }
    const wrong = (failing: number, right: string) =>
      Array.from({ length: 20_000 }, () => judge(failing)).filter((go) => go !== right).length
    // A thousandth of 20,000 is 20; 40 or more come once in 10^4 runs.
    expect(wrong(0.01, 'promote')).toBeLessThan(40)
    expect(wrong(0.2, 'abort')).toBeLessThan(40)
  })
})
