import cdf from '@stdlib/stats-base-dists-binomial-cdf'
import quantile from '@stdlib/stats-base-dists-binomial-quantile'

/** How often a right share may fail, and how often a share one step off may pass: once in a thousand, each. */
export const SHARE_ERROR = 0.001

/** How a share of traffic is told from its neighbours: so many requests, and how many of them may be the share's. */
export interface ShareTest {
  share: number
  requests: number
  lowest: number
  highest: number
}

/**
 * The least number of requests that tells a share (0 to 1) from each of its neighbours, and the bounds of the count, by the binomial
 * distribution itself: with the right share the count is outside them at most once in a thousand runs, with a neighbour's it is inside
 * at most once in a thousand. There is no second try.
 * @throws RangeError for a share outside 0 to 1, or a neighbour that is the share
 */
export function shareTest(share: number, ...neighbours: readonly number[]): ShareTest {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`${share} is no share`)
  if (neighbours.length === 0 || neighbours.includes(share))
    throw new RangeError(`a share of ${share} must be told from another one`)
  for (let requests = 1; ; requests++) {
    const [lowest, highest] = shareBounds(share, requests)
    const told = neighbours.every((other) => inside(lowest, highest, requests, other) <= SHARE_ERROR)
    if (told) return { share, requests, lowest, highest }
  }
}

/** The counts, of so many requests, outside of which a right share is at most once in a thousand runs. */
export function shareBounds(share: number, requests: number): [lowest: number, highest: number] {
  if (share === 0) return [0, 0]
  if (share === 1) return [requests, requests]
  return [quantile(SHARE_ERROR / 2, requests, share), quantile(1 - SHARE_ERROR / 2, requests, share)]
}

const inside = (lowest: number, highest: number, requests: number, share: number): number =>
  cdf(highest, requests, share) - (lowest > 0 ? cdf(lowest - 1, requests, share) : 0)
