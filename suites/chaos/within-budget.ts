import type { ExpectStatic } from 'vitest'
import { describeFailures, type Observed } from '../../src/chaos/experiment.ts'

/** Asserts that a fault cost no more than its budget in stack.yaml allows. */
export function expectWithin(
  expect: ExpectStatic,
  { failed, failures, samples, longestGapMs }: Observed<unknown>,
  budget: { failed: number; gapSeconds: number },
): void {
  const kinds = Object.keys(failures).length ? ` (${describeFailures(failures)})` : ''
  expect(failed <= budget.failed).toHold(
    `${failed} of ${samples.length} requests failed${kinds}; the budget in stack.yaml allows ${budget.failed}`,
  )
  expect(longestGapMs <= budget.gapSeconds * 1000).toHold(
    `no request got 200 for ${(longestGapMs / 1000).toFixed(2)} s; ` +
      `the budget in stack.yaml allows ${budget.gapSeconds} s`,
  )
}

/** What a fault cost, for the line of a pass. */
export const describeCost = ({ failed, samples, longestGapMs }: Observed<unknown>): string =>
  `${failed} of ${samples.length} requests failed, longest gap ${(longestGapMs / 1000).toFixed(2)} s`
