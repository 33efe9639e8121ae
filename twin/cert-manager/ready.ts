import { withConditions, type Condition, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'

/** A condition without the time of its last transition, which the status keeps. */
export type ReadyCondition = Omit<Condition, 'lastTransitionTime'>

/** Writes the condition Ready of an Issuer or a Certificate, and `fields` of its status. */
export function setReady(
  objects: Objects,
  resource: string,
  object: KubeObject,
  ready: ReadyCondition,
  fields: object = {},
): void {
  const { name, namespace, generation } = object.metadata
  objects.change(
    resource,
    name,
    namespace,
    (draft) =>
      void (draft.status = {
        ...draft.status,
        ...fields,
        conditions: withConditions(draft.status?.conditions, {
          ...ready,
          ...({ observedGeneration: generation } as object),
        }),
      }),
    'status',
  )
}
