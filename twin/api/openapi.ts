import type { Schema, Resource } from './resource.ts'
import { groupsOf } from './discovery.ts'
import type { Resources } from './resources.ts'
import { modelSchema, schemaOf } from './schemas.ts'
import { noSuchPath } from './status-error.ts'

/** The answers of /openapi/v3 and /openapi/v3/apis/GROUP/VERSION: enough for kubectl apply, explain and validation. */
export async function openApi(path: string, resources: Resources): Promise<object> {
  const versions = [...groupsOf(resources)].flatMap(([group, all]) =>
    all.map((version) => ({ group, version, path: group ? `apis/${group}/${version}` : `api/${version}` })),
  )
  if (path === '/openapi/v3') {
    return {
      paths: Object.fromEntries(
        versions.map((each) => [
          each.path,
          { serverRelativeURL: `/openapi/v3/${each.path}?hash=${resources.all().length}` },
        ]),
      ),
    }
  }
  const asked = versions.find((each) => path === `/openapi/v3/${each.path}`)
  if (!asked) throw noSuchPath()
  return document(asked.group, asked.version, resources)
}

async function document(group: string, version: string, resources: Resources): Promise<object> {
  const schemas: Record<string, object> = {}
  const paths: Record<string, object> = {}
  for (const resource of resources.all().filter((each) => each.group === group && each.versions.includes(version))) {
    const gvk = { group, version, kind: resource.kind }
    const name = resource.model ?? `${group.split('.').toReversed().join('.')}.${version}.${resource.kind}`
    const schema = (await schemaOf(resource)) ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
    schemas[name] = { ...(await written(schema, schemas)), 'x-kubernetes-group-version-kind': [gvk] }
    Object.assign(paths, pathsOf(resource, version, gvk, name))
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.34.4' }, paths, components: { schemas } }
}

function pathsOf(resource: Resource, version: string, gvk: object, schema: string): Record<string, object> {
  const api = resource.group ? `apis/${resource.group}` : 'api'
  const scope = resource.namespaced ? '/namespaces/{namespace}' : ''
  const root = `/${api}/${version}${scope}/${resource.plural}`
  const parameter = (name: string) => ({ name, in: 'query', schema: { type: 'string' } })
  const content = { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } }
  const operation = (action: string) => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk,
    parameters: ['dryRun', 'fieldManager', 'fieldValidation'].map(parameter),
    responses: { 200: { description: 'OK', content } },
  })
  return {
    [root]: { get: operation('list'), post: operation('post') },
    [`${root}/{name}`]: {
      get: operation('get'),
      put: operation('put'),
      patch: operation('patch'),
      delete: operation('delete'),
    },
  }
}

/** A schema with the models that it refers to written into `all`. */
async function written(schema: Schema, all: Record<string, object>): Promise<object> {
  if (schema.ref) {
    if (!all[schema.ref]) {
      all[schema.ref] = {}
      all[schema.ref] = await written((await modelSchema(schema.ref)) ?? { type: 'object' }, all)
    }
    return { $ref: `#/components/schemas/${schema.ref}` }
  }
  const { properties, items, additionalProperties, ...rest } = schema
  const entries = await Promise.all(
    Object.entries(properties ?? {}).map(async ([key, child]) => [key, await written(child, all)] as const),
  )
  return {
    ...rest,
    ...(properties ? { properties: Object.fromEntries(entries) } : {}),
    ...(items ? { items: await written(items, all) } : {}),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties:
            typeof additionalProperties === 'boolean' ? additionalProperties : await written(additionalProperties, all),
        }),
  }
}
