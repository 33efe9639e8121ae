import { expect } from 'vitest'
import { currentScope } from '../core/scope.ts'

declare module 'vitest' {
  // The parameters are vitest's own.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Matchers<R, T> {
    /**
     * The list is empty. The failure lists its entries after the message of `expect`, which says what they are; one
     * that a waiver accepts does not count:
     * `expect(unready, 'Pods that are not Ready').toBeNone()` fails with "Pods that are not Ready: a; b (2)".
     */
    toBeNone: () => R
    /**
     * The condition holds. The failure is the sentence alone, so it has to say what was found and what was expected:
     * `expect(ready >= 2).toHold('Deployment a/b: 1 replica is Ready, at least 2 are expected')`.
     */
    toHold: (sentence: string) => R
  }
}

const LISTED = 10

/** Adds our matchers to vitest's. */
export const addMatchers = (): void =>
  expect.extend({
    toBeNone(troubles: readonly unknown[]) {
      const scope = currentScope()
      const left = troubles.filter((trouble) => !scope?.accepts(String(trouble)))
      return { pass: left.length === 0, message: () => listTroubles(left) }
    },
    toHold(condition: boolean, sentence: string) {
      return { pass: condition, message: () => sentence }
    },
  })

/** The entries in one line, the number of them where there are several, at most the first ten. */
function listTroubles(troubles: readonly unknown[]): string {
  const listed = troubles.slice(0, LISTED).join('; ')
  const rest = troubles.length - LISTED
  if (rest > 0) return `${listed}; and ${rest} more (${troubles.length})`
  return troubles.length > 1 ? `${listed} (${troubles.length})` : listed
}
