import { existsSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import leven from 'leven'
import { isMap, LineCounter, parseDocument, type Document } from 'yaml'
import type { z } from 'zod'
import { UsageProblem } from '../core/problem.ts'
import { nearestKey } from './nearest-key.ts'
import { stackSchema, type StackConfig } from './stack-schema.ts'

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
  const given = merge(plain as Record<string, unknown>, overrides)
  const read = stackSchema.safeParse(given)
  if (!read.success)
    throw new UsageProblem(read.error.issues.map((issue) => explain(issue, path, given, document, lines)).join('\n'))
  return resolvePaths(read.data, dirname(path), overrides)
}

function merge(base: Record<string, unknown>, over: StackOverrides): Record<string, unknown> {
  const merged = { ...base }
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue
    merged[key] = typeof value === 'object' ? merge((merged[key] ?? {}) as Record<string, unknown>, value) : value
  }
  return merged
}

/** A path in the file is relative to the file, one on the command line to the working directory. */
function resolvePaths(config: StackConfig, folder: string, overrides: StackOverrides): StackConfig {
  const resolve = (key: 'mirror' | 'kubeconfig'): string | undefined => {
    const path = config[key]?.replace(/^~(?=\/)/, process.env.HOME ?? '~')
    return path === undefined || isAbsolute(path) || overrides[key] !== undefined ? path : join(folder, path)
  }
  const mirror = resolve('mirror')
  const kubeconfig = resolve('kubeconfig')
  return {
    ...config,
    ...(mirror ? { mirror } : {}),
    ...(kubeconfig ? { kubeconfig } : {}),
    images: { ...config.images, onNodes: config.images.onNodes ?? mirror !== undefined },
  }
}

function explain(
  issue: z.core.$ZodIssue,
  path: string,
  given: unknown,
  document: Document,
  lines: LineCounter,
): string {
  const at = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .map((key) => `${path}:${lineOf([...at, key], document, lines)}: ${unknownKey(key, at)}`)
      .join('\n')
  }
  const field = `${path}:${lineOf(at, document, lines)}: ${at.join('.') || 'the file'}`
  const value = at.reduce<unknown>((parent, key) => (parent as Record<string, unknown> | undefined)?.[key], given)
  const found = value === undefined ? 'not set' : `found ${JSON.stringify(value)}`
  if (issue.code === 'invalid_value') return `${field}: ${found}, expected one of ${issue.values.join(', ')}.`
  if (issue.code === 'invalid_type') {
    const quotes = issue.expected === 'string' && typeof value === 'number' ? ', in quotes' : ''
    const expected = issue.expected === 'object' ? 'a map of keys' : withArticle(issue.expected)
    return `${field}: ${found}, expected ${expected}${quotes}.`
  }
  if (issue.code === 'too_small' && value === '') return `${field}: empty, expected a value.`
  const expected = issue.message.replace(/^Invalid string: must match pattern.*/, 'another format')
  return `${field}: ${found}, expected ${expected}.`
}

const withArticle = (type: string): string => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`)

function unknownKey(key: string, path: string[]): string {
  const known = knownKeys(path)
  const nearest = nearestKey(key, known)
  const suggestion =
    nearest && leven(nearest, key) <= Math.max(2, key.length / 2)
      ? `did you mean "${nearest}"?`
      : `known keys are ${known.join(', ')}.`
  return `unknown key "${[...path, key].join('.')}"; ${suggestion}`
}

interface WrappedSchema {
  shape?: Record<string, WrappedSchema>
  def?: { innerType?: WrappedSchema }
}

function knownKeys(path: string[]): string[] {
  let at: WrappedSchema | undefined = stackSchema as unknown as WrappedSchema
  for (const key of path) at = unwrap(at)?.shape?.[key]
  return Object.keys(unwrap(at)?.shape ?? {})
}

function unwrap(schema: WrappedSchema | undefined): WrappedSchema | undefined {
  let at = schema
  while (at && !at.shape && at.def?.innerType) at = at.def.innerType
  return at
}

/** The line of a key, or of its nearest parent in the file. */
function lineOf(path: string[], document: Document, lines: LineCounter): number {
  let at: unknown = document.contents
  let line = 1
  for (const key of path) {
    if (!isMap(at)) break
    const pair = at.items.find((item) => String((item.key as { value?: unknown }).value) === key)
    const range = (pair?.key as { range?: [number, number, number] } | undefined)?.range
    if (range) line = lines.linePos(range[0]).line
    at = pair?.value
  }
  return line
}
