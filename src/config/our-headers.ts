import { readFileSync } from 'node:fs'
import { UsageProblem } from '../core/problem.ts'
import { keepSecret } from '../core/secrets.ts'
import type { StackConfig } from './stack-schema.ts'

const OURS = 'PLUMBLINE_HEADER_'

/**
 * The stack without the values of its headers, which are put into this process's environment: run.json has the stack,
 * and threads have the environment.
 */
export function withoutHeaderValues(config: StackConfig): StackConfig {
  const headers = Object.entries(config.ours.headers).map(([name, from], at) => {
    if (from.value === undefined) return [name, from]
    const env = `${OURS}${at}`
    process.env[env] = from.value
    return [name, { env }]
  })
  return { ...config, ours: { ...config.ours, headers: Object.fromEntries(headers) as StackConfig['ours']['headers'] } }
}

/**
 * The headers that each of our requests through the gateway carries. Their values are known as secrets afterwards: no
 * report and no message shows them.
 * @throws UsageProblem for a variable that is not set, or a file that cannot be read
 */
export function ourHeaders({ ours }: Pick<StackConfig, 'ours'>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(ours.headers).map(([name, { env, file }]) => {
      const value = (env === undefined ? readValue(name, file!) : (process.env[env] ?? '')).trim()
      const from = env === undefined ? `the file ${file}` : env.startsWith(OURS) ? 'its value' : `the variable ${env}`
      if (!value) throw new UsageProblem(`ours.headers.${name} of stack.yaml: ${from} is empty or not set.`)
      keepSecret(value)
      if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
        throw new UsageProblem(`ours.headers.${name} of stack.yaml: ${from} has more than one line.`)
      return [name, value]
    }),
  )
}

function readValue(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (problem) {
    const code = (problem as NodeJS.ErrnoException).code ?? String(problem)
    throw new UsageProblem(`ours.headers.${name} of stack.yaml: the file ${file} cannot be read (${code}).`)
  }
}
