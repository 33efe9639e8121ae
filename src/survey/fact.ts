import { ClusterProblem, NotLookedAt, plainMessage, StackFailure } from '../core/problem.ts'

/**
 * What is known of one thing in the cluster: its value and where that stands (`by`: object and field), that it is not
 * there, or that nobody could look (missing rights, a pod that does not answer). Unknown is neither absent nor default.
 */
export type Fact<T> =
  { readonly value: T; readonly by: string } | { readonly absent: string } | { readonly unknown: string }

export const found = <T>(value: T, by: string): Fact<T> => ({ value, by })
export const absent = <T>(why: string): Fact<T> => ({ absent: why })
export const unknown = <T>(why: string): Fact<T> => ({ unknown: why })

/**
 * The value of a fact that a check cannot do without.
 * @throws StackFailure where it is absent, NotLookedAt where it is unknown
 */
export function valueOf<T>(fact: Fact<T>): T {
  if ('absent' in fact) throw new StackFailure(fact.absent)
  return maybeValue(fact)!
}

/**
 * The value of a fact, or undefined where it is absent.
 * @throws NotLookedAt where it is unknown
 */
export function maybeValue<T>(fact: Fact<T>): T | undefined {
  if ('unknown' in fact) throw new NotLookedAt(fact.unknown)
  return 'value' in fact ? fact.value : undefined
}

/** The value of a fact, or another where it is absent or unknown: for what only makes a report better. */
export const valueOr = <T, U>(fact: Fact<T>, other: U): T | U => ('value' in fact ? fact.value : other)

/**
 * Looks for something and gives what `look` gives; what may not be read, or cannot be reached, is unknown with the
 * reason.
 */
export async function lookFor<T>(what: string, look: () => Promise<Fact<T>>): Promise<Fact<T>> {
  try {
    return await look()
  } catch (problem) {
    if (problem instanceof NotLookedAt) return unknown(problem.message)
    if (problem instanceof StackFailure) return absent(problem.message)
    if (problem instanceof ClusterProblem || (problem as Error).name === 'ApiRefusal')
      return unknown(`${what}: ${plainMessage(problem)}`)
    throw problem
  }
}
