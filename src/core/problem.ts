import { stripVTControlCharacters } from 'node:util'

/** Something that is wrong with how Plumbline was called or configured: one sentence with what to do. Exit code 3. */
export class UsageProblem extends Error {
  override name = 'UsageProblem'
}

/** The stack is not as asserted: a check that meets this fails. */
export class StackFailure extends Error {
  override name = 'StackFailure'
}

/** The cluster could not be asked (unreachable, not allowed): a check that meets this is in error, and its verdict incomplete. */
export class ClusterProblem extends Error {
  override name = 'ClusterProblem'
}

/** A call that the cloud's IAM denies: a check that meets this is skipped, with the action to allow, and its verdict incomplete. */
export class NotAllowed extends Error {
  override name = 'NotAllowed'
  readonly action: string

  constructor(action: string, who?: string) {
    super(
      `IAM denies ${action}${who ? ` to ${who}` : ''}: allow it (docs/eks/iam-read-only.json has all that a run calls)`,
    )
    this.action = action
  }
}

/** The first lines of a problem, without the matcher's jargon and without colours. */
export function plainMessage(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  return stripVTControlCharacters(text)
    .replace(/ \/\/ Object\.is equality/g, '')
    .trim()
    .slice(0, 2000)
}
