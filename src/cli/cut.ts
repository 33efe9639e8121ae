import { keepHandler } from '../run/run-suites.ts'

/**
 * A signal that aborts at the first Ctrl-C or SIGTERM, or after `limit` minutes; a second Ctrl-C ends the process at
 * once. `tell` says which. `end` cuts it short for another reason. Call `release` when the work is done.
 */
export function cutShort(
  limit: number | undefined,
  tell: (what: string) => void,
): { signal: AbortSignal; end: (why: string) => void; release: () => void } {
  const controller = new AbortController()
  const onSignal = keepHandler((signal: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      process.stderr.write('\nstopped at once; changes may be left in the cluster: plumbline recover undoes them\n')
      process.exit(130)
    }
    tell(`${signal}: ending the run, undoing its changes and writing its reports; again: stop at once`)
    controller.abort(new Error(`cut short by ${signal}`))
  })
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const timer = limit
    ? setTimeout(() => {
        tell(
          `the time limit of ${limit} minutes has passed: ending the run, undoing its changes and writing its reports`,
        )
        controller.abort(new Error('cut short by the time limit'))
      }, limit * 60_000)
    : undefined
  return {
    signal: controller.signal,
    end(why) {
      tell(`${why}: ending the run`)
      controller.abort(new Error(why))
    },
    release() {
      clearTimeout(timer)
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}

/**
 * Does work that can be cut short, and gives its exit code; where it was cut short, says what is to be done then, and
 * gives 2.
 */
export async function orCutShort(then: string, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const cut = cutShort(undefined, console.log)
  try {
    return await work(cut.signal)
  } catch (problem) {
    if (!cut.signal.aborted) throw problem
    console.log(`cut short: ${then}`)
    return 2
  } finally {
    cut.release()
  }
}
