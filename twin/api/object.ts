import { isDeepStrictEqual } from 'node:util'

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface Metadata {
  name: string
  namespace?: string
  generateName?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
  managedFields?: ManagedFields[]
}

/** Who set which fields: one entry a manager and operation. */
export interface ManagedFields {
  manager: string
  operation: 'Apply' | 'Update'
  apiVersion: string
  time?: string
  fieldsType: 'FieldsV1'
  fieldsV1: FieldSet
  subresource?: string
}

/** A set of fields as the API writes it: 'f:spec': { 'f:replicas': {} }. */
export interface FieldSet {
  [field: string]: FieldSet
}

/** An object of the Kubernetes API. What is stored is never changed in place. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: Metadata
  // Objects of any kind pass here; who reads a field knows the kind.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  [field: string]: any
}

export interface Condition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason?: string
  message?: string
  severity?: string
  lastTransitionTime?: string
}

/** A time as the API writes it, to the second. */
export const timestamp = (at = new Date()): string => at.toISOString().replace(/\.\d+Z$/, 'Z')

export const same = (a: unknown, b: unknown): boolean => isDeepStrictEqual(a, b)

export const conditionOf = (object: KubeObject | undefined, type: string): Condition | undefined =>
  (object?.status?.conditions as Condition[] | undefined)?.find((each) => each.type === type)

export const isTrue = (object: KubeObject | undefined, type: string): boolean =>
  conditionOf(object, type)?.status === 'True'

/**
 * The conditions with one set: its transition time changes only with its status. Sorted by type, as Knative writes
 * them.
 */
export function withConditions(
  before: readonly Condition[] | undefined,
  ...set: Omit<Condition, 'lastTransitionTime'>[]
): Condition[] {
  const all = new Map((before ?? []).map((each) => [each.type, each]))
  for (const next of set) {
    const old = all.get(next.type)
    all.set(next.type, {
      lastTransitionTime: old?.status === next.status ? (old.lastTransitionTime ?? timestamp()) : timestamp(),
      ...next,
    })
  }
  return [...all.values()].toSorted((a, b) => a.type.localeCompare(b.type))
}

/** The reference by which `owner` owns what it makes. */
export const ownerReference = (owner: KubeObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
})

export const isOwnedBy = (object: KubeObject, owner: KubeObject): boolean =>
  object.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) ?? false

export const isReadyPod = (pod: KubeObject): boolean => !pod.metadata.deletionTimestamp && isTrue(pod, 'Ready')
