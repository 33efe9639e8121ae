import { timestamp, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'

let count = 0

/** Writes an Event about an object; one that is told again is counted up. */
export function tellEvent(
  objects: Objects,
  about: KubeObject,
  reason: string,
  message: string,
  type: 'Normal' | 'Warning' = 'Normal',
  component = 'twin',
): void {
  const { name, uid } = about.metadata
  const namespace = about.metadata.namespace ?? 'default'
  if (!objects.get('namespaces', namespace) || objects.get('namespaces', namespace)?.metadata.deletionTimestamp) return
  const known = objects
    .list('events', namespace)
    .find((each) => each.involvedObject.uid === uid && each.reason === reason && each.message === message)
  if (known) {
    objects.update('events', { ...known, count: Number(known.count) + 1, lastTimestamp: timestamp() })
    return
  }
  objects.create('events', {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${(++count).toString(16).padStart(8, '0')}`, namespace },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      name,
      ...(about.metadata.namespace ? { namespace } : {}),
      ...(uid ? { uid } : {}),
    },
    reason,
    message,
    type,
    count: 1,
    firstTimestamp: timestamp(),
    lastTimestamp: timestamp(),
    source: { component },
  })
}
