import { statusOf } from '../kube/errors.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import type { ObjectId } from '../kube/object-id.ts'

/** The merge patch that takes an object back where `change` reaches: what stood there, or null. */
export function restoring(before: unknown, change: object): object {
  const had = (before ?? {}) as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(change).map(([key, value]) => {
      const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
      const hadMap = typeof had[key] === 'object' && had[key] !== null && !Array.isArray(had[key])
      return [key, isMap && hadMap ? restoring(had[key], value as object) : (had[key] ?? null)]
    }),
  )
}

/** Puts an object back by its merge patch; one that is gone (a node that an autoscaler took away) needs none. */
export async function putBack(api: Kubernetes, id: ObjectId, restore: object): Promise<void> {
  try {
    await api.patch(id, restore)
  } catch (problem) {
    if (statusOf(problem)?.code !== 404) throw problem
  }
}
