import type { Schema, Resource } from './resource.ts'

interface ModelField {
  baseName: string
  type: string
  format: string
}

type Models = Record<string, { getAttributeTypeMap?: () => ModelField[] }>

// client-node's models name every field of every built-in type. Loaded when first asked for: they are a quarter of a
// second.
let models: Models | undefined
const converted = new Map<string, Schema>()

/** The schema of a model of client-node, one level deep: what it refers to is a `ref`. */
export async function modelSchema(name: string): Promise<Schema | undefined> {
  models ??= (await import('@kubernetes/client-node/dist/gen/models/all.js')) as unknown as Models
  const known = converted.get(name)
  if (known) return known
  const fields = models[name]?.getAttributeTypeMap?.()
  if (!fields) return undefined
  const properties = Object.fromEntries(fields.map((field) => [field.baseName, fieldSchema(field.type, field.format)]))
  const schema: Schema = { type: 'object', properties }
  converted.set(name, schema)
  return schema
}

function fieldSchema(type: string, format: string): Schema {
  const array = /^(?:Array|Set)<(.+)>$/.exec(type)
  if (array) return { type: 'array', items: fieldSchema(array[1] ?? '', '') }
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)
  if (map) return { type: 'object', additionalProperties: fieldSchema(map[1] ?? '', '') }
  if (type === 'IntOrString') return { 'x-kubernetes-int-or-string': true }
  if (type === 'Date' || type === 'V1MicroTime') return { type: 'string', format: 'date-time' }
  if (type === 'number') return { type: format === 'double' ? 'number' : 'integer' }
  if (['string', 'boolean'].includes(type)) return { type }
  if (type === 'any' || type === 'object') return { 'x-kubernetes-preserve-unknown-fields': true }
  return { ref: type }
}

/** The schema of a resource's objects, or undefined where the twin holds none. */
export async function schemaOf(resource: Resource): Promise<Schema | undefined> {
  if (resource.model) return modelSchema(resource.model)
  if (!resource.schema) return undefined
  const { properties = {}, ...rest } = resource.schema
  return {
    ...rest,
    type: 'object',
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { ref: 'V1ObjectMeta' },
      ...properties,
    },
  }
}
