import { existsSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { UsageProblem } from '../core/problem.ts'
import { withExpectations } from './expectations.ts'
import { withoutHeaderValues } from './our-headers.ts'
import { explain } from './stack-problems.ts'
import { stackSchema, type StackConfig } from './stack-schema.ts'
import { placeOf, type YamlFile } from './yaml-place.ts'

/** Values from the command line that override a stack file, nested as in the file. */
export type StackOverrides = { [key: string]: string | number | boolean | undefined | StackOverrides }

/**
 * Reads a stack file, merges `overrides` into it and adds the defaults. Paths in the file are relative to the file.
 * @throws UsageProblem with the line and the key of everything that the schema refuses
 */
export function readStackFile(path: string, overrides: StackOverrides = {}): StackConfig {
  if (!existsSync(path)) throw new UsageProblem(`Stack file ${path} not found: set --stack to the path of one.`)
  const lines = new LineCounter()
  const document = parseDocument(readFileSync(path, 'utf8'), { lineCounter: lines })
  const broken = document.errors[0]
  if (broken) {
    throw new UsageProblem(
      `${path}:${broken.linePos?.[0].line ?? 1}: not valid YAML: ` +
        `${broken.message.split('\n')[0]?.replace(/ at line.*/, '')}.`,
    )
  }
  const plain: unknown = document.toJS() ?? {}
  if (typeof plain !== 'object' || Array.isArray(plain))
    throw new UsageProblem(`${path}:1: a map of keys is expected, as in stacks/kind.yaml.`)
  const file: YamlFile = { path, document, lines }
  const given = merge(plain as Record<string, unknown>, overrides)
  const read = stackSchema.safeParse(given)
  if (!read.success) throw new UsageProblem(read.error.issues.map((issue) => explain(issue, given, file)).join('\n'))
  const waive = read.data.waive.map((waiver, at) => ({ ...waiver, at: placeOf(['waive', String(at)], file) }))
  const config = resolvePaths({ ...read.data, waive }, dirname(path), overrides)
  return withExpectations(withoutHeaderValues(config), file)
}

/** Whether a stack file says what its target is. One that cannot be read does not: readStackFile says why. */
export const namesTarget = (path: string): boolean =>
  existsSync(path) && parseDocument(readFileSync(path, 'utf8')).has('target')

function merge(base: Record<string, unknown>, over: StackOverrides): Record<string, unknown> {
  const merged = { ...base }
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue
    merged[key] = typeof value === 'object' ? merge((merged[key] ?? {}) as Record<string, unknown>, value) : value
  }
  return merged
}

/** A path in the file is relative to the file, one on the command line to the working directory. */
function resolvePaths(config: StackConfig, folder: string, { kubeconfig, bring }: StackOverrides): StackConfig {
  const resolve = (path: string): string => {
    const full = path.replace(/^~(?=\/)/, process.env.HOME ?? '~')
    return isAbsolute(full) ? full : join(folder, full)
  }
  const mirror = config.bring.mirror
  const isGiven = (bring as StackOverrides | undefined)?.mirror !== undefined
  const headers = Object.entries(config.ours.headers).map(([name, from]) => [
    name,
    from.file ? { file: resolve(from.file) } : from,
  ])
  return {
    ...config,
    ...(config.kubeconfig && kubeconfig === undefined ? { kubeconfig: resolve(config.kubeconfig) } : {}),
    bring: { ...config.bring, ...(mirror && !isGiven ? { mirror: resolve(mirror) } : {}) },
    ours: { ...config.ours, headers: Object.fromEntries(headers) as StackConfig['ours']['headers'] },
    images: { ...config.images, onNodes: config.images.onNodes ?? mirror !== undefined },
  }
}
