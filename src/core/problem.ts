import { stripVTControlCharacters } from 'node:util'
import { withoutSecrets } from './secrets.ts'

/** Something that is wrong with how Plumbline was called or configured: one sentence with what to do. Exit code 3. */
export class UsageProblem extends Error {
  override name = 'UsageProblem'
}

/** The stack is not as asserted: a check that meets this fails. */
export class StackFailure extends Error {
  override name = 'StackFailure'
}

/**
 * The cluster could not be asked (unreachable, not allowed): a check that meets this is in error, and its verdict
 * incomplete.
 */
export class ClusterProblem extends Error {
  override name = 'ClusterProblem'
  /** It may pass by itself, as an API server that restarts does; missing rights do not. */
  readonly transient: boolean

  constructor(message: string, { cause, transient = false }: { cause?: unknown; transient?: boolean } = {}) {
    super(message, { cause })
    this.transient = transient
  }
}

/** What a check asserts has no meaning on this stack, or must be left alone here: it is skipped, and may be. */
export class DoesNotApply extends Error {
  override name = 'DoesNotApply'
}

/**
 * Something could not be looked at (missing rights, a pod that does not answer): a check that meets this is skipped
 * with the reason, and its verdict is incomplete.
 */
export class NotLookedAt extends Error {
  override name = 'NotLookedAt'
}

/** A call that the cloud's IAM denies: the action to allow. */
export class NotAllowed extends NotLookedAt {
  readonly action: string

  constructor(action: string, who?: string) {
    super(
      `IAM denies ${action}${who ? ` to ${who}` : ''}: allow it (docs/eks/iam-read-only.json has all that a run calls)`,
    )
    this.action = action
  }
}

/**
 * A component's version that this version of Plumbline has no facts about: a check that meets this is in error, since
 * it says nothing about the cluster.
 */
export class UnknownVersion extends Error {
  override name = 'UnknownVersion'
}

/** The first lines of a problem, in plain words and without colours. */
export function plainMessage(thrown: unknown): string {
  const text = stripVTControlCharacters(thrown instanceof Error ? thrown.message : String(thrown)).trim()
  const plain = thrown instanceof Error && thrown.name === 'AssertionError' ? foundAndExpected(text) : text
  return withoutSecrets(plain).slice(0, 2000)
}

/** What a matcher of chai says, with what was found before what was expected. The longer phrases come first. */
const PHRASES: readonly (readonly [phrase: string, found: string])[] = [
  ['to be greater than or equal to', 'found FOUND, expected at least WANTED'],
  ['to be greater than', 'found FOUND, expected more than WANTED'],
  ['to be less than or equal to', 'found FOUND, expected at most WANTED'],
  ['to be less than', 'found FOUND, expected less than WANTED'],
  ['to match object', 'found FOUND, expected at least WANTED'],
  ['not to match', 'found FOUND, expected no match for WANTED'],
  ['to match', 'found FOUND, expected a match for WANTED'],
  ['to deeply equal', 'found FOUND, expected WANTED'],
  ['not to be', 'found FOUND, expected another value'],
  ['to not include', 'found FOUND, expected it without WANTED'],
  ['to include', 'found FOUND, expected it to contain WANTED'],
  ['to contain', 'found FOUND, expected it to contain WANTED'],
  ['to be', 'found FOUND, expected WANTED'],
]

/** "x: expected 3 to be 4" as "x: found 3, expected 4"; another text as it is. */
function foundAndExpected(message: string): string {
  const text = message.replace(/ \/\/ Object\.is equality$/, '')
  const [, before = '', claim] = /^((?:.*?: )?)expected ([^]+)$/.exec(text) ?? []
  if (claim === undefined) return text
  if (claim === 'undefined to be defined') return `${before}not found`
  for (const [phrase, sentence] of PHRASES) {
    const at = claim.indexOf(` ${phrase} `)
    if (at < 0) continue
    const [found, wanted] = [claim.slice(0, at), claim.slice(at + phrase.length + 2)]
    return before + sentence.replace('FOUND', () => found).replace('WANTED', () => wanted)
  }
  return text
}
