import { failuresOf, latencyOf, type Sample } from '../traffic/samples.ts'
import { SHARE_ERROR } from './shares.ts'

/** What a new version must keep to be given more traffic. */
export interface CanaryLimits {
  /** The share of its requests that may fail, 0 to 1. */
  failing: number
  /** A share of failures that the gate must not let pass. */
  mustCatch: number
  /** What 95 % of its requests must be answered within, in milliseconds. */
  p95Ms: number
}

/** What the new version did in one step. */
export interface CanaryStep {
  requests: number
  failed: number
  p95Ms: number
}

/** The way on: more traffic, all of it back to the old version, or more requests before it can be told. */
export type Decision =
  { go: 'promote' } | { go: 'abort'; by: 'failures' | 'latency'; why: string } | { go: 'wait'; why: string }

// Wald's bounds (Sequential Tests of Statistical Hypotheses, 1945): with them neither error is more than once in a thousand canaries,
// however often it is looked at meanwhile. Bounds for a set number of requests would not allow that.
const BOUND = Math.log((1 - SHARE_ERROR) / SHARE_ERROR)

/** What the samples of one version come to. */
export function stepOf(samples: readonly Sample[]): CanaryStep {
  const failed = Object.values(failuresOf(samples)).reduce((sum, count) => sum + count, 0)
  return { requests: samples.length, failed, p95Ms: latencyOf(samples, 0.95) }
}

/** The fewest requests, none of them failed, after which a new version is known to keep its limit. */
export const requestsToJudge = ({ failing, mustCatch }: CanaryLimits): number =>
  Math.ceil(BOUND / Math.log((1 - failing) / (1 - mustCatch)))

/**
 * Judges one step of a canary by its success rate and its p95; it may be asked after every request. A version that fails `mustCatch` of
 * its requests is aborted, and one that fails no more than `failing` is promoted, each but once in a thousand times.
 * @throws RangeError for limits that are no shares, or of which one does not mean more than the other
 */
export function judgeCanary({ requests, failed, p95Ms }: CanaryStep, limits: CanaryLimits): Decision {
  const { failing, mustCatch } = limits
  if (!(failing > 0 && failing < mustCatch && mustCatch < 1))
    throw new RangeError(`0 < failing (${failing}) < mustCatch (${mustCatch}) < 1 must hold`)
  const evidence =
    failed * Math.log(mustCatch / failing) - (requests - failed) * Math.log((1 - failing) / (1 - mustCatch))
  const seen = `${failed} of ${requests} requests failed`
  if (evidence >= BOUND) return { go: 'abort', by: 'failures', why: `${seen}, where ${failing * 100} % may` }
  if (evidence > -BOUND) return { go: 'wait', why: `${seen}: too few to judge it` }
  return p95Ms <= limits.p95Ms
    ? { go: 'promote' }
    : { go: 'abort', by: 'latency', why: `p95 is ${Math.round(p95Ms)} ms, the limit ${limits.p95Ms} ms` }
}
