import { z } from 'zod'
import { stackSchema } from './stack-schema.ts'

/** A key of stack.yaml as a page shows it. */
export interface StackKey {
  /** As 'ours.headers' or 'waive[].until'. */
  name: string
  meaning: string
  /** The value where it is not set; empty where it has none. */
  fallback: string
}

interface JsonSchema {
  description?: string
  default?: unknown
  enum?: readonly unknown[]
  properties?: Readonly<Record<string, JsonSchema>>
  items?: JsonSchema
}

// Maps that are told as one key: their keys are alike.
const ONE_KEY = /^((bring|expect)\.versions|budgets\.[a-z-]+)$/

// What a description says of a default that the schema does not have.
const DEFAULT = / ?\(default: ([^)]*)\)/

/** Every key of stack.yaml, in the order of the schema. */
export const stackKeys = (): StackKey[] => keysOf(z.toJSONSchema(stackSchema, { io: 'input' }) as JsonSchema, '')

function keysOf(schema: JsonSchema, prefix: string): StackKey[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, each]) => {
    const name = prefix ? `${prefix}.${key}` : key
    if (each.properties && !ONE_KEY.test(name)) return keysOf(each, name)
    if (each.items?.properties) return keysOf(each.items, `${name}[]`)
    return [{ name, meaning: meaningOf(each), fallback: fallbackOf(each) }]
  })
}

function meaningOf({ description = '', enum: values, properties }: JsonSchema): string {
  const said = description.replace(DEFAULT, '')
  if (values && !said.includes(`${String(values[0])}:`)) return `${said}; one of ${values.join(', ')}`
  return properties?.kubernetes ? `${said}; of ${Object.keys(properties).join(', ')}` : said
}

function fallbackOf({ default: own, description = '', properties }: JsonSchema): string {
  const [, said] = DEFAULT.exec(description) ?? []
  if (said) return said
  if (Array.isArray(own)) return own.length ? `[${own.join(', ')}]` : ''
  if (typeof own === 'string') return own
  if (typeof own === 'number' || typeof own === 'boolean') return String(own)
  const parts = Object.entries(properties ?? {}).flatMap(([key, { default: value }]) =>
    value === undefined ? [] : [`${key}: ${JSON.stringify(value)}`],
  )
  return parts.length ? `{ ${parts.join(', ')} }` : ''
}
