import { deadline, type DeadlineName } from './deadlines.ts'
import { StackFailure } from './problem.ts'
import { currentScope } from './scope.ts'

/**
 * Asks again and again, for what has nothing to watch (a proxy's configuration, an answer through the load balancer), until
 * `missing` gave undefined `inARow` times one after the other: what a change makes true reaches each proxy at its own time, and
 * one lucky answer proves nothing. Pauses grow from 50 to 500 ms while it is not met.
 * @throws StackFailure at the deadline, with what was last missing
 */
export async function eventually(
  what: string,
  missing: () => Promise<string | undefined>,
  within: DeadlineName,
  inARow = 1,
): Promise<void> {
  const ms = deadline(within)
  const scope = currentScope()
  const ask = async (): Promise<void> => {
    const ends = performance.now() + ms
    let row = 0
    let pause = 50
    for (let asked = 1; ; asked++) {
      const lacks = await missing()
      scope?.signal.throwIfAborted()
      row = lacks === undefined ? row + 1 : 0
      if (row === inARow) return
      if (performance.now() > ends) {
        const often = inARow > 1 ? ` ${inARow} times in a row` : ''
        throw new StackFailure(
          `${what}: not met${often} within ${ms / 1000} s (asked ${asked} times). Last: ${lacks ?? 'met, too late'}.`,
        )
      }
      if (row === 0) {
        await new Promise((resolve) => setTimeout(resolve, pause))
        pause = Math.min(pause * 1.5, 500)
      }
    }
  }
  await (scope ? scope.waiting(what, ms, ask) : ask())
}
