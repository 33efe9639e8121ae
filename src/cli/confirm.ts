import { createInterface } from 'node:readline/promises'
import { UsageProblem } from '../core/problem.ts'

/**
 * Asks on the terminal whether to do something; `yes` answers for whoever started the command.
 * @throws UsageProblem where there is no terminal to ask on
 */
export async function confirm(question: string, yes = false): Promise<boolean> {
  if (yes) return true
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new UsageProblem(
      `${question} There is no terminal to ask on: pass --yes to do it, or --plan to see it first.`,
    )
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim())
  } finally {
    terminal.close()
  }
}
