import { keepHandler } from '../run/run-suites.ts'

/**
 * A signal that aborts at the first Ctrl-C or SIGTERM, or after `limit` minutes; a second Ctrl-C ends the process at once.
 * `tell` says which. `end` cuts it short for another reason. Call `release` when the work is done.
 */
export function cutShort(
  limit: number | undefined,
  tell: (what: string) => void,
): { signal: AbortSignal; end: (why: string) => void; release: () => void } {
  const controller = new AbortController()
  const onSignal = keepHandler((signal: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      process.stderr.write('\nstopped at once; plumbline recover undoes what is left\n')
      process.exit(130)
    }
    tell(`${signal}: undoing and reporting; once more stops at once`)
    controller.abort(new Error(`cut short by ${signal}`))
  })
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const timer = limit
    ? setTimeout(() => {
        tell(`the time limit of ${limit} minutes: undoing and reporting`)
        controller.abort(new Error('cut short by the time limit'))
      }, limit * 60_000)
    : undefined
  return {
    signal: controller.signal,
    end(why) {
      tell(`${why}: the run ends here`)
      controller.abort(new Error(why))
    },
    release() {
      clearTimeout(timer)
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
