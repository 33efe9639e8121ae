import { join } from 'node:path'
import { execa } from 'execa'
import type { Generator } from './load-run.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** What k6 is told besides the script: samples to its output and nothing else, no port of its own, nothing fetched. */
export const K6_FLAGS = [
  ...['--quiet', '--no-color', '--summary-mode=disabled', '--no-usage-report'],
  ...['--address', '', '--out', 'json=-'],
]

/** Runs a script of load/ by a k6 of this machine. */
export function runHere(program: string, script: string, parameters: Record<string, string>): Generator {
  const child = execa(program, ['run', ...K6_FLAGS, join(ROOT, 'load', `${script}.ts`)], {
    env: { ...parameters, K6_AUTO_EXTENSION_RESOLUTION: 'false' },
    reject: false,
    buffer: { stdout: false },
    stdin: 'ignore',
    // Of what it says the end alone is read, and failed requests are warned of one by one.
    maxBuffer: 4_000_000,
  })
  return {
    lines: child.iterable(),
    ended: child.then(({ exitCode, stderr }) => ({ code: exitCode, said: stderr })),
    stop: () => void child.kill('SIGINT'),
  }
}
