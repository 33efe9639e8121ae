import { join } from 'node:path'
import { build } from 'esbuild'

// What a ConfigMap may hold in all is 1 MiB; a program that comes near it has taken in a library that it should not.
const MOST_BYTES = 300_000

let bundled: Promise<string> | undefined

/**
 * The agent's program as one file of CommonJS that a stock Node image runs: agent-program.ts with the code that it
 * shares with the harness. Made once a process.
 * @throws Error where it does not bundle, or is too big for a ConfigMap
 */
export const agentProgram = (): Promise<string> => (bundled ??= bundle())

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'agent-program.ts')],
    bundle: true,
    write: false,
    minify: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    logLevel: 'silent',
  })
  const program = outputFiles[0]?.text ?? ''
  if (program.length > MOST_BYTES)
    throw new Error(`the agent's program has ${program.length} bytes, more than the ${MOST_BYTES} that it may have`)
  return program
}
