import type { KubernetesObject } from '../core/object.ts'

/** The Ready endpoints of EndpointSlices. */
export const readyEndpoints = (slices: readonly KubernetesObject[]): number =>
  slices
    .flatMap(({ endpoints }) => (endpoints ?? []) as { conditions?: { ready?: boolean } }[])
    .filter(({ conditions }) => conditions?.ready !== false).length
