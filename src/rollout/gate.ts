import { failuresOf, latencyOf, type Sample } from '../traffic/samples.ts'
import { SHARE_ERROR } from './shares.ts'

/** The limits that a new version must keep to get more traffic. */
export interface CanaryLimits {
  /** The share of its requests that may fail, 0 to 1. */
  failing: number
  /** A share of failures that the gate must catch. */
  mustCatch: number
  /** The highest allowed 95th percentile of its latencies, in milliseconds. */
  p95Ms: number
}

/** The requests of one version in one step. */
export interface CanaryStep {
  requests: number
  failed: number
  p95Ms: number
}

/** What to do next: send more traffic, send it all back to the old version, or wait for more requests. */
export type Decision =
  { go: 'promote' } | { go: 'abort'; by: 'failures' | 'latency'; why: string } | { go: 'wait'; why: string }

// Wald's bounds (Sequential Tests of Statistical Hypotheses, 1945): either error happens in at most one of a thousand
// canaries, however often the gate is called. Bounds for a fixed number of requests would not allow that.
const BOUND = Math.log((1 - SHARE_ERROR) / SHARE_ERROR)

/** Sums up the samples of one version. */
export function stepOf(samples: readonly Sample[]): CanaryStep {
  const failed = Object.values(failuresOf(samples)).reduce((sum, count) => sum + count, 0)
  return { requests: samples.length, failed, p95Ms: latencyOf(samples, 0.95) }
}

/** The fewest requests, all of them successful, after which the gate promotes a new version. */
export const requestsToJudge = ({ failing, mustCatch }: CanaryLimits): number =>
  Math.ceil(BOUND / Math.log((1 - failing) / (1 - mustCatch)))

/**
 * Judges one step of a canary by its failures and its p95; it may be called after every request. A version that fails
 * `mustCatch` of its requests is aborted, and one that fails at most `failing` is promoted, each with an error rate of
 * one in a thousand.
 * @throws RangeError if not 0 < failing < mustCatch < 1
 */
export function judgeCanary({ requests, failed, p95Ms }: CanaryStep, limits: CanaryLimits): Decision {
  const { failing, mustCatch } = limits
  if (!(failing > 0 && failing < mustCatch && mustCatch < 1))
    throw new RangeError(`expected 0 < failing < mustCatch < 1, found failing ${failing} and mustCatch ${mustCatch}`)
  const evidence =
    failed * Math.log(mustCatch / failing) - (requests - failed) * Math.log((1 - failing) / (1 - mustCatch))
  const failures = `${failed} of ${requests} requests failed`
  if (evidence >= BOUND) return { go: 'abort', by: 'failures', why: `${failures}, the limit is ${failing * 100} %` }
  if (evidence > -BOUND) return { go: 'wait', why: `${failures}: too few requests to decide` }
  return p95Ms <= limits.p95Ms
    ? { go: 'promote' }
    : { go: 'abort', by: 'latency', why: `p95 is ${Math.round(p95Ms)} ms, the limit is ${limits.p95Ms} ms` }
}
