import { deadline, inSeconds, type DeadlineName } from './deadlines.ts'
import { Backoff, pass } from './pause.ts'
import { ClusterProblem, StackFailure } from './problem.ts'
import { currentScope, waitingFor } from './scope.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 500
// Between two successes in a row: what is asked is not to be under load for it.
const ROW_PAUSE_MS = 25

export interface EventuallyOptions {
  /** How many successes in a row it takes; 1 where not given. */
  inARow?: number
}

/**
 * Asks again and again, for what has nothing to watch (a proxy's configuration, an answer through the load balancer),
 * until `missing` gave undefined, or did `inARow` times one after the other: what a change makes true reaches each
 * proxy at its own time, and one lucky answer proves nothing. A StackFailure of `missing`, and trouble of the API
 * server, count as not yet.
 * @throws StackFailure at the deadline, with what was last missing; ClusterProblem where the API server's trouble was
 * the last
 */
export async function eventually(
  what: string,
  missing: () => Promise<string | undefined>,
  within: DeadlineName,
  { inARow = 1 }: EventuallyOptions = {},
): Promise<void> {
  const ms = deadline(within)
  const signal = currentScope()?.signal
  await waitingFor(what, ms, async (see) => {
    const ends = performance.now() + ms
    const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS)
    let row = 0
    for (let asked = 1; ; asked++) {
      const { lacks, trouble } = await askOnce(missing)
      signal?.throwIfAborted()
      row = lacks === undefined ? row + 1 : 0
      if (row === inARow) return
      see(lacks ?? `${row} of ${inARow} successes in a row`)
      if (performance.now() > ends) {
        const last = lacks ?? `met ${row} times in a row, expected ${inARow} times`
        const problem = `${what}: ${last}, after ${inSeconds(ms)} (asked ${asked} times)`
        throw trouble ? new ClusterProblem(problem, { cause: trouble, transient: true }) : new StackFailure(problem)
      }
      if (row === 0) await pass(backoff.next(), signal)
      else {
        backoff.reset()
        await pass(ROW_PAUSE_MS, signal)
      }
    }
  })
}

async function askOnce(
  missing: () => Promise<string | undefined>,
): Promise<{ lacks: string | undefined; trouble?: ClusterProblem }> {
  try {
    return { lacks: await missing() }
  } catch (problem) {
    if (problem instanceof StackFailure) return { lacks: problem.message }
    if (problem instanceof ClusterProblem && problem.transient) return { lacks: problem.message, trouble: problem }
    throw problem
  }
}
