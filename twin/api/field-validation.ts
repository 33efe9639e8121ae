import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { Resource, Schema } from './resource.ts'
import { modelSchema, schemaOf } from './schemas.ts'
import { badRequest } from './status-error.ts'

const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, inlineRefs: false, validateFormats: false })
/** The models that Ajv knows. */
const models = new Set<string>()
let lastCompiled: Promise<unknown> = Promise.resolve()
const validators = new WeakMap<Schema, Promise<ValidateFunction>>()

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
  const { kind, apiVersion } = object
  const validate = await validatorOf(resource)
  if (!validate || validate(object)) return []
  const version = apiVersion.split('/').at(-1) ?? ''
  const refuse = (why: string) => badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`)
  const problems = (validate.errors ?? []).map((error) => problemOf(error, object)).toSorted(byPosition)
  const unknown = problems.filter(({ type }) => type === undefined)
  for (const { holder, key } of unknown) Reflect.deleteProperty(holder, key)
  const wrong = problems.find(({ type }) => type !== undefined)
  if (wrong) {
    const { path, type, found } = wrong
    const field = `${path}: Invalid value: "${found}"`
    throw refuse(`json: cannot unmarshal: ${field}: ${path} in body must be of type ${type}: "${found}"`)
  }
  const warnings = unknown.map(({ path }) => `unknown field "${path}"`)
  if (mode === 'Strict') throw refuse(`strict decoding error: ${warnings.join(', ')}`)
  return mode === 'Ignore' ? [] : warnings
}

async function validatorOf(resource: Resource): Promise<ValidateFunction | undefined> {
  const schema = await schemaOf(resource)
  if (!schema) return undefined
  // schemaOf makes another schema of a custom resource each time, of the one that its CRD has.
  const key = resource.schema ?? schema
  const known = validators.get(key)
  if (known) return known
  // One after the other: each needs all the models that it refers to.
  const compiled = lastCompiled.then(async () => {
    await addModels(schema)
    return ajv.compile(jsonSchemaOf(schema))
  })
  lastCompiled = compiled.catch(() => undefined)
  validators.set(key, compiled)
  return compiled
}

/** Adds the models that a schema refers to, directly or not. Ajv's compileAsync would begin anew for each of them. */
async function addModels({ ref, properties, items, additionalProperties }: Schema): Promise<void> {
  if (ref && !models.has(ref)) {
    models.add(ref)
    const model = (await modelSchema(ref)) ?? {}
    ajv.addSchema(jsonSchemaOf(model), ref)
    await addModels(model)
  }
  const children = [...Object.values(properties ?? {}), items, additionalProperties]
  for (const child of children) if (typeof child === 'object') await addModels(child)
}

/**
 * A JSON Schema by which types and unknown fields are found. Required fields and enums are left out: an API server
 * validates those after decoding, with other messages.
 */
function jsonSchemaOf(schema: Schema): object {
  if (schema.ref) return { $ref: schema.ref }
  const { type, properties, items, additionalProperties } = schema
  const preserves = schema['x-kubernetes-preserve-unknown-fields']
  if (schema['x-kubernetes-int-or-string'] || (!type && !properties)) return {}
  const isOpen = preserves || !properties
  return {
    // Every field may be null, which stands for one that is not set.
    type: [type ?? 'object', 'null'],
    ...(items ? { items: jsonSchemaOf(items) } : {}),
    ...(properties
      ? { properties: Object.fromEntries(Object.entries(properties).map(([key, child]) => [key, jsonSchemaOf(child)])) }
      : {}),
    additionalProperties:
      typeof additionalProperties === 'object' ? jsonSchemaOf(additionalProperties) : (additionalProperties ?? isOpen),
  }
}

/** A field that is unknown, or, where there is a `type`, whose value has another type. */
interface FieldProblem {
  /** As Kubernetes writes it: spec.ports[0].name. */
  path: string
  /** The object that holds the field, and the field's key there. */
  holder: object
  key: string
  /** The places of the field and of those that it is in among their neighbours. */
  position: number[]
  type: string | undefined
  found: string
}

function problemOf({ keyword, instancePath, params, data }: ErrorObject, object: object): FieldProblem {
  const pointer = instancePath.split('/').slice(1)
  const keys = pointer.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (keyword === 'additionalProperties') keys.push(String(params.additionalProperty))
  const position: number[] = []
  let [path, holder, value]: [string, object, unknown] = ['', object, object]
  for (const key of keys) {
    holder = value as object
    path += Array.isArray(holder) ? `[${key}]` : path ? `.${key}` : key
    position.push(Object.keys(holder).indexOf(key))
    value = (holder as Record<string, unknown>)[key]
  }
  const type = keyword === 'type' ? String([params.type as string | string[]].flat()[0]) : undefined
  const found = Array.isArray(data) ? 'array' : typeof data
  return { path, holder, key: keys.at(-1) ?? '', position, type, found }
}

/** Sorts as the fields stand in the object, which is the order in which a server decodes them. */
function byPosition(a: FieldProblem, b: FieldProblem): number {
  const at = a.position.findIndex((place, index) => place !== b.position[index])
  return at < 0 ? 0 : (a.position[at] ?? 0) - (b.position[at] ?? 0)
}
