import leven from 'leven'

/** The known key that is most similar to the one in the file. */
export const nearestKey = (written: string, known: readonly string[]): string =>
  known.toSorted((a, b) => leven(a, written) - leven(b, written))[0] ?? ''
