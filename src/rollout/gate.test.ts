import { describe, expect, test } from 'vitest'
import { judgeCanary, requestsToJudge, stepOf, type CanaryLimits } from './gate.ts'

describe("the canary's gate", () => {
  const limits: CanaryLimits = { failing: 0.01, mustCatch: 0.2, p95Ms: 500 }
  const step = (requests: number, failed: number, p95Ms = 100) => judgeCanary({ requests, failed, p95Ms }, limits)

  test('waits until there are enough requests, and promotes then', () => {
    const needed = requestsToJudge(limits)
    expect(step(0, 0).go).toBe('wait')
    expect(step(needed - 1, 0)).toEqual({
      go: 'wait',
      why: `0 of ${needed - 1} requests failed: too few requests to decide`,
    })
    expect(step(needed, 0)).toEqual({ go: 'promote' })
  })

  test('aborts as soon as failures are more than chance', () => {
    expect(step(1, 1).go).toBe('wait')
    expect(step(3, 3)).toEqual({ go: 'abort', by: 'failures', why: '3 of 3 requests failed, the limit is 1 %' })
    expect(step(1000, 10).go).toBe('promote')
    expect(step(1000, 200).go).toBe('abort')
  })

  test('aborts for what is slow, whatever its success rate', () => {
    expect(step(200, 0, 501)).toEqual({ go: 'abort', by: 'latency', why: 'p95 is 501 ms, the limit is 500 ms' })
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
