import type { KubernetesObject } from '../core/object.ts'

/** A kind with its API version, as a manifest has them: 'v1/Service', 'apps/v1/Deployment'. */
export type KindName = string

export interface ObjectId {
  kind: KindName
  name: string
  namespace?: string | undefined
}

/** Splits 'apps/v1/Deployment' into { apiVersion: 'apps/v1', kind: 'Deployment' }. */
export function splitKind(name: KindName): { apiVersion: string; kind: string } {
  const at = name.lastIndexOf('/')
  return { apiVersion: name.slice(0, at), kind: name.slice(at + 1) }
}

export const kindOf = (object: KubernetesObject): KindName => `${object.apiVersion ?? ''}/${object.kind ?? ''}`

export const idOf = (object: KubernetesObject): ObjectId => ({
  kind: kindOf(object),
  name: object.metadata?.name ?? '',
  namespace: object.metadata?.namespace,
})

/** 'Service default/hello', as every message names an object. */
export const objectName = (object: KubernetesObject): string =>
  [object.kind ?? 'object', [object.metadata?.namespace, object.metadata?.name ?? '?'].filter(Boolean).join('/')].join(
    ' ',
  )

/** As objectName, of an id. */
export const nameOfId = ({ kind, name, namespace }: ObjectId): string =>
  `${splitKind(kind).kind} ${namespace ? `${namespace}/` : ''}${name}`
