import { chai, expect, type ExpectStatic } from 'vitest'
import type { Check } from './check.ts'
import { addMatchers } from './matchers.ts'
import type { Performer } from './perform.ts'
import { SUITES, type CheckRecord } from '../core/record.ts'

// As vitest.config.ts has it: what runs side by side must be the same with and without vitest.
const SIDE_BY_SIDE = 16

/**
 * Performs checks without vitest's runner, in this process: of each suite those that read or write side by side, the
 * others alone after them. What vitest gives a test, its `expect` with a count of its own, is given here.
 */
export async function performAll(
  performer: Performer,
  checks: readonly Check[],
  abort: AbortSignal,
): Promise<Map<string, CheckRecord>> {
  addMatchers()
  // A matcher of ours asks for the file of its test, which is vitest's to know where it runs one.
  expect.setState({ testPath: 'plumbline' })
  // As vitest.config.ts has it: a failure shows the whole value that was seen.
  chai.config.truncateThreshold = 0
  const records = new Map<string, CheckRecord>()
  const perform = async (check: Check) => {
    const { record } = await performer.perform(check, countingExpect(), abort)
    records.set(check.id, record)
  }
  // Suite by suite, as vitest runs them: all suites at once would be more load than any run has.
  for (const suite of SUITES) {
    const own = checks.filter((check) => check.suite === suite)
    const together = own.filter(({ effect }) => effect === 'reads' || effect === 'writes')
    const queue = [...together]
    const next = async (): Promise<void> => {
      for (let check = queue.shift(); check; check = queue.shift()) await perform(check)
    }
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, next))
    for (const check of own.filter((each) => !together.includes(each))) await perform(check)
  }
  return records
}

/** vitest's expect, whose state says how often this one was called. */
function countingExpect(): ExpectStatic {
  let calls = 0
  return new Proxy(expect, {
    apply(target, self, args: unknown[]) {
      calls++
      return Reflect.apply(target, self, args) as unknown
    },
    get(target, key, receiver) {
      if (key === 'getState') return () => ({ assertionCalls: calls })
      return Reflect.get(target, key, receiver) as unknown
    },
  })
}
