import leven from 'leven'

/** The key of `known` that is nearest to what somebody wrote. */
export const nearestKey = (written: string, known: readonly string[]): string =>
  known.toSorted((a, b) => leven(a, written) - leven(b, written))[0] ?? ''
