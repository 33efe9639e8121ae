import leven from 'leven'
import type { z } from 'zod'
import { nearestKey } from './nearest-key.ts'
import { stackSchema } from './stack-schema.ts'
import { nameOfKey, placeOf, type YamlFile } from './yaml-place.ts'

/** Keys by the names that they had, and what they are called now. */
const MOVED: Readonly<Record<string, string>> = {
  versions: 'bring.versions (what kind and eks install) and expect.versions (what must be found)',
  domain: 'bring.domain (what kind and eks install) and expect.domain (what must be found)',
  'cluster.zones': 'bring.zones (the zones of a kind cluster) and expect.zones (the number of zones to find)',
  'cluster.nodeImage': 'bring.nodeImage',
  nlb: 'expect.nlb',
  'aws.controller': 'bring.controller',
  'addresses.pool': 'bring.pool',
  mirror: 'bring.mirror',
}

/** What each key of a waiver is for, in the sentence that says that it is missing. */
const OF_A_WAIVER: Readonly<Record<string, string>> = {
  check: 'give the id of the check whose finding is accepted',
  match: "give a part of the finding's text",
  because: 'give the reason, which stands in the report',
  until: 'give the last day on which it holds, as 2027-03-31',
}

/** What the schema refuses in a stack file, in sentences that begin with the line, one a line. */
export function explain(issue: z.core.$ZodIssue, given: unknown, file: YamlFile): string {
  const keys = issue.path.map(String)
  const place = placeOf(keys, file)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${placeOf([...keys, key], file)}: ${unknownKey(key, keys)}`).join('\n')
  }
  const value = keys.reduce<unknown>((parent, key) => (parent as Record<string, unknown> | undefined)?.[key], given)
  const [first, , last = ''] = keys
  if (first === 'waive' && keys.length === 3 && value === undefined)
    return `${place}: ${nameOfKey(keys.slice(0, 2))} has no ${last}: ${OF_A_WAIVER[last]}.`
  const field = `${place}: ${nameOfKey(keys) || 'the file'}`
  const isSecret = first === 'ours' && keys[1] === 'headers'
  const found = value === undefined ? 'not set' : isSecret ? 'not as expected' : `found ${JSON.stringify(value)}`
  return `${field}: ${value === '' ? 'empty' : found}, expected ${expectedBy(issue, value)}.`
}

function expectedBy(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'invalid_value') return `one of ${issue.values.join(', ')}`
  if (issue.code === 'invalid_type') {
    const quotes = issue.expected === 'string' && typeof value === 'number' ? ', in quotes' : ''
    const expected = TYPES[issue.expected] ?? withArticle(issue.expected)
    return `${expected}${quotes}`
  }
  if (issue.code === 'too_small' && value === '') return 'a value'
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? 'another key'
  return issue.message.replace(/^Invalid string: must match pattern.*/, 'another format')
}

const TYPES: Readonly<Record<string, string>> = { object: 'a map of keys', record: 'a map of keys', array: 'a list' }

const withArticle = (type: string): string => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`)

function unknownKey(key: string, keys: string[]): string {
  const full = nameOfKey([...keys, key])
  if (MOVED[full]) return `unknown key "${full}"; it is now ${MOVED[full]}.`
  const known = knownKeys(keys)
  const nearest = nearestKey(key, known)
  const suggestion =
    nearest && leven(nearest, key) <= Math.max(2, key.length / 2)
      ? `did you mean "${nearest}"?`
      : `known keys are ${known.join(', ')}.`
  return `unknown key "${full}"; ${suggestion}`
}

interface WrappedSchema {
  shape?: Record<string, WrappedSchema>
  def?: { innerType?: WrappedSchema; element?: WrappedSchema; valueType?: WrappedSchema }
}

function knownKeys(keys: string[]): string[] {
  let at: WrappedSchema | undefined = stackSchema as unknown as WrappedSchema
  for (const key of keys) {
    const schema = unwrap(at)
    at = schema?.shape ? schema.shape[key] : (schema?.def?.element ?? schema?.def?.valueType)
  }
  return Object.keys(unwrap(at)?.shape ?? {})
}

function unwrap(schema: WrappedSchema | undefined): WrappedSchema | undefined {
  let at = schema
  while (at && !at.shape && at.def?.innerType) at = at.def.innerType
  return at
}
