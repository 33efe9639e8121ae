import { expect } from 'vitest'

declare module 'vitest' {
  // The parameters are vitest's own.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Matchers<R, T> {
    /** The list of troubles is empty; where it is not, the failure lists them. */
    toBeNone: () => R
  }
}

/** Adds our matchers to vitest's. */
export const addMatchers = (): void =>
  expect.extend({
    toBeNone(troubles: string[]) {
      return {
        pass: troubles.length === 0,
        message: () =>
          `expected none, found ${troubles.length}: ${troubles.slice(0, 10).join('; ')}${troubles.length > 10 ? ' ...' : ''}`,
      }
    },
  })
