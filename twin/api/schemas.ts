import type { Schema, Resource } from './resource.ts'
import { badRequest } from './status-error.ts'

interface ModelField {
  baseName: string
  type: string
  format: string
}

type Models = Record<string, { getAttributeTypeMap?: () => ModelField[] }>

// client-node's models name every field of every built-in type. Loaded when first asked for: they are a quarter of a second.
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

/**
 * The paths of an object's fields that its schema does not know, and the first value of a wrong type.
 * `drop` takes unknown fields out, as a server does that is not asked to be strict.
 */
async function checkFields(
  value: unknown,
  schema: Schema,
  drop: boolean,
): Promise<{ unknown: string[]; wrong: string | undefined }> {
  const found: { unknown: string[]; wrong: string | undefined } = { unknown: [], wrong: undefined }
  const walk = async (at: unknown, given: Schema, path: string): Promise<void> => {
    const known = given.ref ? await modelSchema(given.ref) : given
    if (!known || at === null || at === undefined) return
    if (known.type === 'array') {
      if (!Array.isArray(at)) return wrong(path, 'array', at)
      for (const [index, item] of at.entries()) if (known.items) await walk(item, known.items, `${path}[${index}]`)
      return
    }
    if (known.properties || known.type === 'object') {
      if (typeof at !== 'object' || Array.isArray(at)) return wrong(path, 'object', at)
      const held = at as Record<string, unknown>
      for (const [key, child] of Object.entries(held)) {
        const next =
          known.properties?.[key] ??
          (typeof known.additionalProperties === 'object' ? known.additionalProperties : undefined)
        if (next) await walk(child, next, path ? `${path}.${key}` : key)
        else if (!known['x-kubernetes-preserve-unknown-fields'] && !(known.additionalProperties ?? !known.properties)) {
          found.unknown.push(path ? `${path}.${key}` : key)
          if (drop) delete held[key]
        }
      }
      return
    }
    if (known['x-kubernetes-int-or-string'] || known['x-kubernetes-preserve-unknown-fields'] || !known.type) return
    const type = typeof at
    const fits = known.type === 'integer' || known.type === 'number' ? type === 'number' : type === known.type
    if (!fits) wrong(path, known.type, at)
  }
  const wrong = (path: string, type: string, at: unknown): void => {
    const name = Array.isArray(at) ? 'array' : typeof at
    found.wrong ??= `${path}: Invalid value: "${name}": ${path} in body must be of type ${type}: "${name}"`
  }
  await walk(value, schema, '')
  return found
}

/**
 * Validates the fields of an object as `fieldValidation` asks (Strict, Warn, Ignore), and drops those that are unknown.
 * @returns the warnings to send along
 * @throws StatusError 400 in Strict mode where a field is unknown, and always where a value has the wrong type
 */
export async function validateFields(
  resource: Resource,
  object: { apiVersion: string; kind: string },
  mode: string,
): Promise<string[]> {
  const schema = await schemaOf(resource)
  if (!schema) return []
  const { unknown, wrong } = await checkFields(object, schema, true)
  const { kind, apiVersion } = object
  const version = apiVersion.split('/').at(-1) ?? ''
  const refuse = (why: string) => badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`)
  if (wrong) throw refuse(`json: cannot unmarshal: ${wrong}`)
  const told = unknown.map((path) => `unknown field "${path}"`)
  if (mode === 'Strict' && told.length) throw refuse(`strict decoding error: ${told.join(', ')}`)
  return mode === 'Ignore' ? [] : told
}
