import { describe, expect, test } from 'vitest'
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
    expect(() => shareTest(1.2, 0.5)).toThrow(/share 1.2 is not between 0 and 1/)
    expect(() => shareTest(0.5, 0.5)).toThrow(/another share to tell 0.5 from/)
    expect(() => shareTest(0.5)).toThrow(/another share to tell 0.5 from/)
  })
})
