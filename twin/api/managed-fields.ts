import { identityOf, mergeKeysOf } from './merge-keys.ts'
import { same, timestamp, type FieldSet, type KubeObject, type ManagedFields } from './object.ts'
import { StatusError } from './status-error.ts'

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

// Own code: no npm package does server-side apply (structured-merge-diff is Go only).

// The server sets these fields, so no manager owns them.
const UNOWNED = new Set([
  'apiVersion',
  'kind',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'metadata.resourceVersion',
  'metadata.generation',
  'metadata.creationTimestamp',
  'metadata.managedFields',
  'metadata.selfLink',
  'metadata.deletionTimestamp',
  'metadata.deletionGracePeriodSeconds',
])

/** The fields that an object sets. */
function fieldsOf(value: unknown, path = ''): FieldSet {
  if (Array.isArray(value)) {
    const field = path.slice(path.lastIndexOf('.') + 1)
    if (field === 'finalizers') return Object.fromEntries(value.map((item) => [`v:${JSON.stringify(item)}`, {}]))
    const keys = value.length ? mergeKeysOf(field, value) : undefined
    if (!keys) return {}
    return Object.fromEntries(
      value.map((item) => [`k:${identityOf(item, keys)}`, { '.': {}, ...fieldsOf(item, path) }]),
    )
  }
  if (!isObject(value)) return {}
  const fields: FieldSet = {}
  for (const [key, child] of Object.entries(value)) {
    const at = path ? `${path}.${key}` : key
    if (UNOWNED.has(at)) continue
    const own = fieldsOf(child, at)
    // Metadata of which nothing can be owned is no field by itself.
    if (at !== 'metadata' || Object.keys(own).length) fields[`f:${key}`] = own
  }
  return fields
}

const isLeaf = (set: FieldSet): boolean => Object.keys(set).every((key) => key === '.')

/** Calls `see` for every leaf of a set with its path. */
function leaves(set: FieldSet, see: (path: string[]) => void, path: string[] = []): void {
  for (const [key, child] of Object.entries(set)) {
    if (key === '.') continue
    if (isLeaf(child)) see([...path, key])
    else leaves(child, see, [...path, key])
  }
}

const holds = (set: FieldSet, path: readonly string[]): boolean => {
  let at: FieldSet | undefined = set
  for (const key of path) {
    at = at[key]
    if (!at) return false
  }
  return true
}

/** The first set without what is in the second. */
export function without(set: FieldSet, taken: FieldSet): FieldSet {
  const left: FieldSet = {}
  for (const [key, child] of Object.entries(set)) {
    const other = taken[key]
    if (!other) left[key] = child
    else if (key !== '.' && !isLeaf(child) && !isLeaf(other)) {
      const rest = without(child, other)
      if (Object.keys(rest).some((each) => each !== '.')) left[key] = rest
    }
  }
  return left
}

function valueAt(object: unknown, path: readonly string[]): unknown {
  let at: unknown = object
  for (const key of path) {
    if (at === undefined || at === null) return undefined
    if (key.startsWith('f:')) at = (at as Json)[key.slice(2)]
    else if (key.startsWith('k:')) {
      const wanted = key.slice(2)
      const keys = Object.keys(JSON.parse(wanted) as Json)
      at = Array.isArray(at) ? at.find((item) => identityOf(item, keys) === wanted) : undefined
    } else if (key.startsWith('v:')) at = Array.isArray(at) && at.includes(JSON.parse(key.slice(2))) ? true : undefined
  }
  return at
}

/** Lays the applied object over the live one; lists with identities are merged, others replaced. */
function overlay(live: unknown, applied: unknown, field: string): unknown {
  if (Array.isArray(applied)) {
    if (field === 'finalizers')
      return [...new Set([...(Array.isArray(live) ? (live as unknown[]) : []), ...(applied as unknown[])])]
    const keys = applied.length ? mergeKeysOf(field, applied) : undefined
    if (!keys || !Array.isArray(live)) return applied
    const rest = [...(live as unknown[])]
    for (const item of applied) {
      const at = rest.findIndex((each) => identityOf(each, keys) === identityOf(item, keys))
      if (at < 0) rest.push(item)
      else rest[at] = overlay(rest[at], item, field)
    }
    return rest
  }
  if (!isObject(applied)) return applied
  const merged: Json = isObject(live) ? { ...live } : {}
  for (const [key, value] of Object.entries(applied)) merged[key] = overlay(merged[key], value, key)
  return merged
}

/** Takes the leaves of a set out of an object, and what is empty after it. */
function removeFields(value: unknown, set: FieldSet): unknown {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown) => {
      for (const [key, child] of Object.entries(set)) {
        if (key.startsWith('v:') && same(item, JSON.parse(key.slice(2)))) return []
        if (!key.startsWith('k:')) continue
        const keys = Object.keys(JSON.parse(key.slice(2)) as Json)
        if (identityOf(item, keys) !== key.slice(2)) continue
        return '.' in child ? [] : [removeFields(item, child)]
      }
      return [item]
    })
  }
  if (!isObject(value)) return value
  const left: Json = { ...value }
  for (const [key, child] of Object.entries(set)) {
    const name = key.slice(2)
    if (!key.startsWith('f:') || !(name in left)) continue
    if (isLeaf(child)) delete left[name]
    else {
      left[name] = removeFields(left[name], child)
      if (isObject(left[name]) && Object.keys(left[name]).length === 0) delete left[name]
    }
  }
  return left
}

const entry = (
  manager: string,
  operation: 'Apply' | 'Update',
  object: KubeObject,
  fieldsV1: FieldSet,
  subresource?: string,
): ManagedFields => ({
  manager,
  operation,
  apiVersion: object.apiVersion,
  time: timestamp(),
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...(subresource ? { subresource } : {}),
})

/**
 * Server-side apply: what the live object becomes when `manager` applies `applied`. Fields that it applied before and
 * leaves out now go, unless another manager has them too.
 * @throws StatusError 409 with a cause a field, where another manager has set one to another value and `force` is not
 * given
 */
export function applyFields(
  live: KubeObject | undefined,
  applied: KubeObject,
  manager: string,
  force: boolean,
): KubeObject {
  const managed = live?.metadata.managedFields ?? []
  const mine = managed.find((each) => each.manager === manager && each.operation === 'Apply' && !each.subresource)
  const others = managed.filter((each) => each !== mine)
  const fields = fieldsOf(applied)
  const conflicts: { other: ManagedFields; path: string[] }[] = []
  leaves(fields, (path) => {
    if (same(valueAt(live, path), valueAt(applied, path))) return
    for (const other of others) if (holds(other.fieldsV1, path)) conflicts.push({ other, path })
  })
  if (conflicts.length && !force) throw conflictOf(conflicts)
  const dropped = mine
    ? others.reduce((left, other) => without(left, other.fieldsV1), without(mine.fieldsV1, fields))
    : {}
  const merged = overlay(removeFields(live ?? {}, dropped), applied, '') as KubeObject
  const kept = others
    .map((other) => {
      const lost: FieldSet = {}
      for (const { path } of conflicts.filter((each) => each.other === other))
        path.reduce((at, key) => (at[key] ??= {}), lost)
      return { ...other, fieldsV1: without(other.fieldsV1, lost) }
    })
    .filter((other) => Object.keys(other.fieldsV1).length > 0)
  const own = mine && same(mine.fieldsV1, fields) ? mine : entry(manager, 'Apply', applied, fields)
  return { ...merged, metadata: { ...merged.metadata, managedFields: [...kept, own] } }
}

function conflictOf(conflicts: { other: ManagedFields; path: string[] }[]): StatusError {
  const causes = conflicts.map(({ other, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${other.manager}"${other.operation === 'Update' ? ` using ${other.apiVersion}` : ''}`,
    field: path
      .map((key) => (key.startsWith('f:') ? `.${key.slice(2)}` : key.startsWith('k:') ? `[${key.slice(3, -1)}]` : ''))
      .join(''),
  }))
  const first = causes[0]
  const message =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${first?.message}: ${first?.field}`
      : `Apply failed with ${causes.length} conflicts: ` +
        causes.map(({ message, field }) => `${message}: ${field}`).join('\n')
  return new StatusError(409, 'Conflict', message, { causes })
}

/** What a create, update or patch leaves in managedFields: whoever changed a field has it, and nobody else. */
export function trackUpdate(
  before: KubeObject | undefined,
  after: KubeObject,
  manager: string,
  subresource?: string,
): KubeObject {
  const changed: FieldSet = {}
  leaves(fieldsOf(after), (path) => {
    if (same(valueAt(before, path), valueAt(after, path))) return
    path.reduce((at, key) => (at[key] ??= {}), changed)
  })
  const managed = before?.metadata.managedFields ?? []
  const rest = managed
    .map((each) => ({ ...each, fieldsV1: without(each.fieldsV1, changed) }))
    .filter((each) => Object.keys(each.fieldsV1).length > 0)
  if (Object.keys(changed).length === 0) return { ...after, metadata: { ...after.metadata, managedFields: rest } }
  const at = rest.findIndex(
    (each) => each.manager === manager && each.operation === 'Update' && each.subresource === subresource,
  )
  const own = entry(manager, 'Update', after, at < 0 ? changed : union(rest[at]!.fieldsV1, changed), subresource)
  if (at < 0) rest.push(own)
  else rest[at] = own
  return { ...after, metadata: { ...after.metadata, managedFields: rest } }
}

function union(a: FieldSet, b: FieldSet): FieldSet {
  const all: FieldSet = { ...a }
  for (const [key, child] of Object.entries(b)) all[key] = all[key] ? union(all[key], child) : child
  return all
}
