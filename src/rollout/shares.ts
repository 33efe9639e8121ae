import cdf from '@stdlib/stats-base-dists-binomial-cdf'
import quantile from '@stdlib/stats-base-dists-binomial-quantile'

/** The error rate, one in a thousand: how often a right share may fail, and how often a share one step off may pass. */
export const SHARE_ERROR = 0.001

/**
 * How a share of traffic is distinguished from its neighbours: a number of requests, and the bounds of how many of them
 * go to the version.
 */
export interface ShareTest {
  share: number
  requests: number
  lowest: number
  highest: number
}

/**
 * The fewest requests that distinguish a share (0 to 1) from each of its neighbours, and the bounds of the count, by
 * the binomial distribution: with the right share the count is outside the bounds in at most one of a thousand runs,
 * with a neighbour it is inside in at most one of a thousand. There is no second try.
 * @throws RangeError for a share outside 0 to 1, or a neighbour that equals the share
 */
export function shareTest(share: number, ...neighbours: readonly number[]): ShareTest {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`share ${share} is not between 0 and 1`)
  if (neighbours.length === 0 || neighbours.includes(share))
    throw new RangeError(`expected another share to tell ${share} from, found ${neighbours.join(', ') || 'none'}`)
  for (let requests = 1; ; requests++) {
    const [lowest, highest] = shareBounds(share, requests)
    const distinct = neighbours.every((other) => inside(lowest, highest, requests, other) <= SHARE_ERROR)
    if (distinct) return { share, requests, lowest, highest }
  }
}

/** The bounds of the count that hold for a right share in at least 99.9 % of runs. */
export function shareBounds(share: number, requests: number): [lowest: number, highest: number] {
  if (share === 0) return [0, 0]
  if (share === 1) return [requests, requests]
  return [quantile(SHARE_ERROR / 2, requests, share), quantile(1 - SHARE_ERROR / 2, requests, share)]
}

const inside = (lowest: number, highest: number, requests: number, share: number): number =>
  cdf(highest, requests, share) - (lowest > 0 ? cdf(lowest - 1, requests, share) : 0)
