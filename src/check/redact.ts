import type { KubernetesObject } from '../core/object.ts'

const NOT_SHOWN = '(not shown)'
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/**
 * A copy of an object as people read it: without managed fields, without the values of Secrets, and without the literal
 * values of environment variables wherever a pod template stands in it. Arguments and commands stay. The object itself
 * is as it was.
 */
export function redacted(object: KubernetesObject): KubernetesObject {
  const { managedFields: _, annotations, ...metadata } = object.metadata ?? {}
  // It has the object again, with all that is left out here.
  const { [LAST_APPLIED]: __, ...others } = annotations ?? {}
  const clean = withoutEnvironment(object) as KubernetesObject
  clean.metadata = { ...metadata, ...(annotations ? { annotations: others } : {}) }
  if (object.kind === 'Secret') {
    for (const field of ['data', 'stringData'])
      if (object[field]) clean[field] = Object.fromEntries(Object.keys(object[field] as object).map(notShown))
  }
  return clean
}

const notShown = (key: string): [string, string] => [key, NOT_SHOWN]

function withoutEnvironment(value: unknown, key?: string): unknown {
  if (Array.isArray(value)) return value.map((item) => (key === 'env' ? withoutValue(item) : withoutEnvironment(item)))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([name, field]) =>
      // Istio's own settings have the environment of a proxy as a map.
      key === 'env' && typeof field === 'string' ? notShown(name) : [name, withoutEnvironment(field, name)],
    ),
  )
}

const withoutValue = (variable: unknown): unknown =>
  typeof variable === 'object' && variable !== null && 'value' in variable
    ? { ...variable, value: NOT_SHOWN }
    : variable
