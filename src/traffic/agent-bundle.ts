import { join } from 'node:path'

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
  // Loaded where there is an agent alone: most runs have none.
  const { build, stop } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'agent-program.ts')],
    bundle: true,
    write: false,
    minify: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    // ws tries native modules that the pod does not have.
    define: { 'process.env.WS_NO_BUFFER_UTIL': '"1"', 'process.env.WS_NO_UTF_8_VALIDATE': '"1"' },
    logLevel: 'silent',
  })
  await stop()
  const program = outputFiles[0]?.text ?? ''
  if (program.length > MOST_BYTES)
    throw new Error(`the agent's program has ${program.length} bytes, more than the ${MOST_BYTES} that it may have`)
  return program
}
