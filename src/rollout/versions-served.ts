import type { ExpectStatic } from 'vitest'
import { sendConcurrently } from '../traffic/closed-loop.ts'
import type { IngressRequest } from '../traffic/ingress.ts'
import { shareBounds, shareTest, type ShareTest } from './shares.ts'
import type { Answer } from '../traffic/http.ts'
import { failuresOf } from '../traffic/samples.ts'
import type { Stack } from '../stack/stack.ts'

const AT_ONCE = 16

/** Sends so many requests through the load balancer, and gives their answers; `expect` asserts that none failed. */
export async function answersOf(
  stack: Stack,
  expect: ExpectStatic,
  request: IngressRequest,
  count: number,
  signal: AbortSignal,
): Promise<Answer[]> {
  const { answers, failures } = await sendConcurrently(AT_ONCE, count, signal, () => stack.ingress.send(request))
  expect(failures, `answers of ${request.host} that are not 200, of ${count}`).toEqual({})
  return answers
}

/** How many answers each version of the workload gave. */
export function versionsOf(answers: readonly Pick<Answer, 'headers'>[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { headers } of answers) {
    const version = headers['x-version'] ?? 'no version'
    counts[version] = (counts[version] ?? 0) + 1
  }
  return counts
}

/**
 * Sends as many requests as it takes to tell the share of a version from its neighbours (shares.ts), and asserts that its count is within
 * the bounds and that nothing but `versions` answered. Gives '512 of 1000'.
 */
export async function expectShare(
  { stack, expect, signal }: { stack: Stack; expect: ExpectStatic; signal: AbortSignal },
  request: IngressRequest,
  of: { version: string; other: string; share: number; neighbours: readonly number[]; atLeast?: number },
): Promise<{ answers: Answer[]; seen: string; test: ShareTest }> {
  const test = shareTest(of.share, ...of.neighbours)
  const wanted = of.atLeast && of.atLeast > test.requests ? { ...test, ...largerTest(of.share, of.atLeast) } : test
  const answers = await answersOf(stack, expect, request, wanted.requests, signal)
  const counts = versionsOf(answers)
  expect(
    Object.keys(counts).filter((version) => version !== of.version && version !== of.other),
    'versions that no target of the traffic has',
  ).toEqual([])
  const count = counts[of.version] ?? 0
  const range = `of ${wanted.requests} requests, with a share of ${of.share * 100} % ${wanted.lowest} to ${wanted.highest} but once in a thousand runs`
  expect(count, `answers of ${of.version} ${range}`).toBeGreaterThanOrEqual(wanted.lowest)
  expect(count, `answers of ${of.version} ${range}`).toBeLessThanOrEqual(wanted.highest)
  return { answers, seen: `${count} of ${wanted.requests}`, test: wanted }
}

function largerTest(share: number, requests: number): Omit<ShareTest, 'share'> {
  const [lowest, highest] = shareBounds(share, requests)
  return { requests, lowest, highest }
}

/** Requests a second while traffic moves, and how many answers in a row must be without the old version to believe that it is gone. */
const RATE = 100
const GONE = 200
/** How many answers of it there must be before it is moved away from. */
const BEFORE = 20

/**
 * Moves all traffic away from a version by `change` while requests go on, and asserts that none failed and that the version is gone.
 * Gives when its last answer came, in milliseconds after the change was made, and how many requests were sent.
 */
export async function moveAll(
  stack: Stack,
  expect: ExpectStatic,
  request: IngressRequest,
  from: string,
  change: () => Promise<unknown>,
): Promise<{ lastMs: number; sent: number }> {
  const { samples, result: changedAt } = await stack.ingress.probeWhile(request, { rate: RATE }, async (prober) => {
    await prober.until(
      `answers of ${from} before the change`,
      (seen) => {
        const count = seen.filter(({ version }) => version === from).length
        return count >= BEFORE ? undefined : `${count} of ${BEFORE}`
      },
      'configPush',
    )
    const at = prober.now
    await change()
    await prober.untilInARow(`answers of ${request.host} without ${from}`, GONE, ({ version }) => version !== from)
    return at
  })
  expect(failuresOf(samples), `failed requests of ${samples.length} during the change`).toEqual({})
  const last = samples.findLast(({ version }) => version === from)
  expect(last, `an answer of ${from} before the change`).toBeDefined()
  return { lastMs: Math.max(0, (last?.due ?? 0) + (last?.ms ?? 0) - changedAt), sent: samples.length }
}
