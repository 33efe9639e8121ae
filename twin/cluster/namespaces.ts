import { Controller } from '../api/controller.ts'
import type { Objects } from '../api/objects.ts'

/** Empties namespaces that are to go, and removes them; gives every new one its default ServiceAccount. */
export function runNamespaces(objects: Objects): void {
  const namespaces = new Controller('namespaces', (name) => {
    const namespace = objects.get('namespaces', name)
    if (!namespace) return
    if (!namespace.metadata.deletionTimestamp) {
      if (!objects.get('serviceaccounts', 'default', name))
        objects.create('serviceaccounts', {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { name: 'default', namespace: name },
        })
      return
    }
    const left = objects.resources.all().filter(({ namespaced }) => namespaced)
    for (const { id } of left) {
      for (const object of objects.list(id, name)) {
        if (!object.metadata.deletionTimestamp)
          objects.delete(id, object.metadata.name, name, { propagation: 'Background' })
      }
    }
    if (left.every(({ id }) => objects.list(id, name).length === 0)) objects.finish('namespaces', name)
    else namespaces.enqueue(name, undefined, 100)
  })
  namespaces.watch(objects, 'namespaces')
}
