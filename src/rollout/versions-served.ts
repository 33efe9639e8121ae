import { sendConcurrently, type Traffic } from '../traffic/closed-loop.ts'
import type { IngressRequest } from '../traffic/ingress.ts'
import { shareBounds, shareTest, type ShareTest } from './shares.ts'
import type { Answer } from '../traffic/http.ts'
import { failuresOf } from '../traffic/samples.ts'
import type { Stack } from '../stack/stack.ts'

const AT_ONCE = 16

const sendMany = (stack: Stack, request: IngressRequest, count: number, signal: AbortSignal): Promise<Traffic> =>
  sendConcurrently(AT_ONCE, count, signal, () => stack.ingress.send(request))

/**
 * Sends `count` requests through the load balancer, and counts the answers by version of the workload. An answer other
 * than 200 counts under its status or network error.
 */
export async function countAnswers(
  stack: Stack,
  request: IngressRequest,
  count: number,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const { answers, failures } = await sendMany(stack, request, count, signal)
  return { ...countVersions(answers.filter(({ status }) => status === 200)), ...failures }
}

/** How many answers each version of the workload gave. */
function countVersions(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { headers } of answers) {
    const version = headers['x-version'] ?? 'no version'
    counts[version] = (counts[version] ?? 0) + 1
  }
  return counts
}

/** A version's measured share of the traffic, and what its configured share allows. */
export interface ServedShare extends ShareTest {
  version: string
  /** How many of the requests the version answered, between `lowest` and `highest` in 99.9 % of runs. */
  count: number
  answers: Answer[]
  /** What is not 200, and how many of each. */
  failures: Record<string, number>
  /** Versions that answered and are not part of the traffic. */
  strangers: string[]
}

/**
 * Sends as many requests as it takes to tell the share of `version` from each of its neighbours (shares.ts), at least
 * `atLeast`, and counts its answers. `other` is the version that gets the rest of the traffic.
 */
export async function measureShare(
  stack: Stack,
  request: IngressRequest,
  split: { version: string; other: string; share: number; neighbours: readonly number[]; atLeast?: number },
  signal: AbortSignal,
): Promise<ServedShare> {
  const { version, other, share, neighbours, atLeast = 0 } = split
  const smallest = shareTest(share, ...neighbours)
  const test = atLeast > smallest.requests ? largerTest(share, atLeast) : smallest
  const { answers, failures } = await sendMany(stack, request, test.requests, signal)
  const counts = countVersions(answers)
  return {
    ...test,
    version,
    count: counts[version] ?? 0,
    answers,
    failures,
    strangers: Object.keys(counts).filter((name) => name !== version && name !== other),
  }
}

function largerTest(share: number, requests: number): ShareTest {
  const [lowest, highest] = shareBounds(share, requests)
  return { share, requests, lowest, highest }
}

/** Requests a second while traffic moves. */
const RATE = 100
/** How many answers in a row must come from another version before the old one counts as gone. */
const GONE = 200
/** How many answers of the old version must come before the change. */
const BEFORE = 20

/**
 * Moves all traffic away from the version `from` by `change` while requests go on, and waits until it answers no more.
 * Gives when its last answer came, in milliseconds after the change began, how many requests were sent, and which
 * failed.
 * @throws StackFailure if the version does not answer before the change, or still answers at the deadline
 */
export async function moveAll(
  stack: Stack,
  request: IngressRequest,
  from: string,
  change: () => Promise<unknown>,
): Promise<{ lastMs: number; sent: number; failures: Record<string, number> }> {
  const { samples, result: changedAt } = await stack.ingress.probeWhile(request, { rate: RATE }, async (prober) => {
    await prober.until(
      `answers of ${request.host} by ${from} before the change`,
      (answered) => {
        const count = answered.filter(({ version }) => version === from).length
        return count >= BEFORE ? undefined : `${count} of ${BEFORE} answers`
      },
      'configPush',
    )
    const at = prober.now
    await change()
    await prober.untilInARow(`answers of ${request.host} without ${from}`, GONE, ({ version }) => version !== from)
    return at
  })
  const last = samples.findLast(({ version }) => version === from)
  return {
    lastMs: Math.max(0, (last?.due ?? 0) + (last?.ms ?? 0) - changedAt),
    sent: samples.length,
    failures: failuresOf(samples),
  }
}
