import jsonPatch, { type Operation } from 'fast-json-patch'
import { apply as applyMergePatch } from 'json-merge-patch'
import { identityOf, mergeKeysOf } from './merge-keys.ts'
import { badRequest, StatusError } from './status-error.ts'

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

// Own code: no npm package does Kubernetes' strategic merge patch.
/**
 * A strategic merge patch of a built-in type: as a merge patch, but lists whose items have an identity are merged item
 * by item, with the directives $patch: delete, $patch: replace and $deleteFromPrimitiveList.
 */
function strategicMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  if (patch.$patch === 'replace') {
    const { $patch: _, ...rest } = patch
    return rest
  }
  const merged: Json = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    const primitive = /^\$deleteFromPrimitiveList\/(.+)$/.exec(key)?.[1]
    if (primitive) merged[primitive] = asList(merged[primitive]).filter((item) => !asList(value).includes(item))
    else if (key.startsWith('$')) continue
    else if (value === null) delete merged[key]
    else if (Array.isArray(value)) merged[key] = mergeList(key, asList(merged[key]), value)
    else merged[key] = strategicMergePatch(merged[key], value)
  }
  return merged
}

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

function mergeList(field: string, target: unknown[], patch: unknown[]): unknown[] {
  if (field === 'finalizers') return [...new Set([...target, ...patch])]
  const plain = patch.filter((item) => !(isObject(item) && item.$patch === 'replace'))
  const keys = mergeKeysOf(field, plain)
  if (!keys || plain.length < patch.length) return plain
  let merged = [...target]
  for (const item of plain as Json[]) {
    const identity = identityOf(item, keys)
    const at = merged.findIndex((each) => identityOf(each, keys) === identity)
    if (item.$patch === 'delete') merged = merged.filter((_, index) => index !== at)
    else if (at < 0) merged.push(strategicMergePatch(undefined, item))
    else merged[at] = strategicMergePatch(merged[at], item)
  }
  return merged
}

/**
 * Applies a patch of a content type.
 * @throws StatusError 400 for a JSON patch that is not a list, 415 for a content type that is not a patch, 422 for a
 * JSON patch that
 *   does not fit the object
 */
export function applyPatch(contentType: string, object: unknown, patch: unknown, builtIn: boolean): unknown {
  if (contentType === 'application/merge-patch+json') return applyMergePatch(structuredClone(object), patch)
  if (contentType === 'application/strategic-merge-patch+json' && builtIn) return strategicMergePatch(object, patch)
  if (contentType === 'application/json-patch+json') {
    if (!Array.isArray(patch)) throw badRequest('error decoding patch: a JSON patch is a list of operations')
    try {
      return jsonPatch.applyPatch(structuredClone(object), patch as Operation[], true).newDocument
    } catch (problem) {
      const reason = problem instanceof Error ? (problem.message.split('\n')[0] ?? '') : String(problem)
      throw new StatusError(422, 'Invalid', `the server rejected our request due to an error in our request: ${reason}`)
    }
  }
  const accepted = [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/apply-patch+yaml',
    ...(builtIn ? ['application/strategic-merge-patch+json'] : []),
  ].join(', ')
  throw new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
  )
}
