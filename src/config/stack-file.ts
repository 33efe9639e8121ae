import { existsSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import leven from 'leven'
import { isMap, LineCounter, parseDocument, type Document } from 'yaml'
import type { z } from 'zod'
import { UsageProblem } from '../core/problem.ts'
import { nearestKey } from './nearest-key.ts'
import { stackSchema, type StackConfig } from './stack-schema.ts'

/** Values that override a stack file: nested as the file is, from the command line. */
export type StackOverrides = { [key: string]: string | number | boolean | undefined | StackOverrides }

/**
 * Reads a stack file, lays `overrides` over it and completes it with defaults. Paths in it are relative to it.
 * @throws UsageProblem with the line and what was meant, for anything that does not fit
 */
export function readStackFile(path: string, overrides: StackOverrides = {}): StackConfig {
  if (!existsSync(path)) throw new UsageProblem(`There is no stack file at ${path}: give one with --stack.`)
  const lines = new LineCounter()
  const document = parseDocument(readFileSync(path, 'utf8'), { lineCounter: lines })
  const broken = document.errors[0]
  if (broken) {
    throw new UsageProblem(
      `${path}:${broken.linePos?.[0].line ?? 1}: this is not YAML: ${broken.message.split('\n')[0]?.replace(/ at line.*/, '')}.`,
    )
  }
  const plain: unknown = document.toJS() ?? {}
  if (typeof plain !== 'object' || Array.isArray(plain))
    throw new UsageProblem(`${path}:1: a stack file is a map of keys, as in stacks/kind.yaml.`)
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

/** A path from the file is relative to the file, one from the command line to where it was typed. */
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
  const where = `${path}:${lineOf(at, document, lines)}: ${at.join('.') || 'the file'}`
  const seen = at.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], given)
  const found = seen === undefined ? 'is missing' : `is ${JSON.stringify(seen)}`
  if (issue.code === 'invalid_value') return `${where} ${found}; it is one of ${issue.values.join(', ')}.`
  if (issue.code === 'invalid_type') {
    const quotes = issue.expected === 'string' && typeof seen === 'number' ? ', in quotes' : ''
    return `${where} ${found}; it must be ${issue.expected === 'object' ? 'a map of keys' : article(issue.expected)}${quotes}.`
  }
  if (issue.code === 'too_small' && seen === '') return `${where} is empty.`
  return `${where} ${found}; it must be ${issue.message.replace(/^Invalid string: must match pattern.*/, 'of another form')}.`
}

const article = (type: string): string => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`)

function unknownKey(key: string, path: string[]): string {
  const known = knownKeys(path)
  const nearest = nearestKey(key, known)
  const meant =
    nearest && leven(nearest, key) <= Math.max(2, key.length / 2)
      ? `did you mean "${nearest}"?`
      : `known are ${known.join(', ')}.`
  return `unknown key "${[...path, key].join('.')}"; ${meant}`
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

/** The line of a key, or of its nearest parent that is in the file. */
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
