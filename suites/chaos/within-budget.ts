import type { ExpectStatic } from 'vitest'
import type { Observed } from '../../src/chaos/experiment.ts'

/** Asserts that a fault cost no more than its budget in stack.yaml allows. */
export function expectWithin(
  expect: ExpectStatic,
  { failed, failures, samples, longestGapMs }: Observed<unknown>,
  budget: { failed: number; gapSeconds: number },
): void {
  const told = Object.keys(failures).length ? ` (${JSON.stringify(failures)})` : ''
  expect(failed, `failed requests of ${samples.length}${told}`).toBeLessThanOrEqual(budget.failed)
  expect(longestGapMs / 1000, 'seconds of the longest gap without a good answer').toBeLessThanOrEqual(budget.gapSeconds)
}

/** What a fault cost, for the line of a pass. */
export const cost = ({ failed, samples, longestGapMs }: Observed<unknown>): string =>
  `${failed} of ${samples.length} requests failed, longest gap ${(longestGapMs / 1000).toFixed(2)} s`
