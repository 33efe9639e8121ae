import { describe, expect, test } from 'vitest'
import { Backoff, pass } from './pause.ts'

describe('a pause', () => {
  test('grows up to its bound, with jitter, and begins again', () => {
    const backoff = new Backoff(100, 400)
    for (const expected of [100, 200, 400, 400]) {
      const pause = backoff.next()
      expect(pause).toBeGreaterThanOrEqual(expected * 0.75)
      expect(pause).toBeLessThanOrEqual(expected * 1.25)
    }
    backoff.reset()
    expect(backoff.next()).toBeLessThanOrEqual(125)
  })

  test('ends with its signal, also with one that has aborted before', async () => {
    const cut = new AbortController()
    const passing = pass(60_000, cut.signal)
    cut.abort(new Error('cut short'))
    await expect(passing).rejects.toThrow('cut short')
    await expect(pass(60_000, cut.signal)).rejects.toThrow('cut short')
  })
})
