import { join } from 'node:path'
import { createVitest, type Reporter } from 'vitest/node'
import { allureFolder, suitesOf, type RunInfo } from '../config/run-info.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/**
 * Runs the chosen checks by vitest, in this process and one thread of it. An aborted `cut` cancels it: checks that go
 * on are told, undo what they did, and the rest is not started. Problems of the runner itself (a suite file that does
 * not load) are told.
 * @returns whether the run was cut short
 */
export async function runSuites(run: RunInfo, cut: AbortSignal, tell: (problem: string) => void): Promise<boolean> {
  process.env.PLUMBLINE_RUN = run.id
  const problems: Reporter = {
    onTestModuleEnd(module) {
      for (const error of module.errors()) tell(`${module.relativeModuleId}: ${error.message}`)
    },
    onTestRunEnd(_modules, errors) {
      for (const error of errors) tell(error.message)
    },
  }
  const vitest = await createVitest('test', {
    root: ROOT,
    run: true,
    watch: false,
    reporters: [problems, ['allure-vitest/reporter', { resultsDir: allureFolder(run.id), reportMatchers: false }]],
  })
  // vitest's own handlers end the process at once, with no cleanup; the command line has ours.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    for (const listener of process.listeners(signal)) if (!ours.has(listener)) process.off(signal, listener)
  }
  const cancel = () => void vitest.cancelCurrentRun('keyboard-input')
  cut.addEventListener('abort', cancel, { once: true })
  try {
    await vitest.start(suitesOf(run).map((suite) => `suites/${suite}/`))
  } finally {
    cut.removeEventListener('abort', cancel)
    await vitest.close()
  }
  // What a runner ends with is no verdict; the verdict is computed from the records.
  process.exitCode = undefined
  return cut.aborted
}

const ours = new WeakSet<(...args: never[]) => void>()

/** Marks a signal handler as ours, so that it outlives the runner's start. */
export function keepHandler<T extends (...args: never[]) => void>(handler: T): T {
  ours.add(handler)
  return handler
}
