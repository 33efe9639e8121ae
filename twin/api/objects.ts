import type { Resource } from './resource.ts'
import { randomUUID } from 'node:crypto'
import { ServiceAddresses, withDefaults } from './defaults.ts'
import { trackUpdate } from './managed-fields.ts'
import { same, timestamp, type KubeObject } from './object.ts'
import { USUAL_LAYOUT, type Layout } from '../stack/layout.ts'
import { Resources } from './resources.ts'
import { alreadyExists, invalid, modified, notFound, StatusError } from './status-error.ts'
import { Store } from './store.ts'

export interface DeleteOptions {
  propagation?: 'Background' | 'Foreground' | 'Orphan' | undefined
  graceSeconds?: number | undefined
  dryRun?: boolean | undefined
}

interface WriteOptions {
  /** Who writes, for managedFields; they are left as they are where not given. */
  manager?: string | undefined
  dryRun?: boolean | undefined
  subresource?: string | undefined
}

/**
 * The rules by which objects are made, changed and deleted: names, generations, finalizers, what is owned by what. Both
 * the API and the twin's own controllers write by it. Every function that takes a resource takes its id,
 * 'deployments.apps'.
 */
export class Objects {
  /** Where the stack's components are, and what they are called there. */
  readonly layout: Layout
  readonly resources = new Resources()
  readonly store = new Store()
  readonly #addresses = new ServiceAddresses()
  /** Asked before a pod is removed: gives true where a kubelet will remove it once its containers have ended. */
  removesPods: (pod: KubeObject, graceSeconds: number) => boolean = () => false
  /** Asked before a controller makes a pod: gives it as admission leaves it, or throws a StatusError. */
  admitsPod: (pod: KubeObject) => KubeObject = (pod) => pod

  constructor(layout: Layout = USUAL_LAYOUT) {
    this.layout = layout
  }

  get(resource: string, name: string, namespace?: string): KubeObject | undefined {
    return this.store.get(resource, name, namespace)
  }

  list(resource: string, namespace?: string): KubeObject[] {
    return this.store.list(resource, namespace)
  }

  /** The resource of an id. It throws for one that the API does not serve. */
  resource(id: string): Resource {
    const found = this.resources.byId(id)
    if (!found) throw new Error(`${id} is not served`)
    return found
  }

  /**
   * Makes an object.
   * @throws StatusError 409 where it is there, 404 and 403 for its namespace, 422 for its name
   */
  create(id: string, given: KubeObject, options: WriteOptions = {}): KubeObject {
    const resource = this.resource(id)
    const { generateName } = given.metadata
    const name = given.metadata.name || (generateName ? `${generateName}${randomUUID().slice(0, 5)}` : '')
    if (!name)
      throw invalid(resource.group, resource.kind, '', [
        { field: 'metadata.name', message: 'Required value: name or generateName is required' },
      ])
    const { namespace } = given.metadata
    if (resource.namespaced) this.#checkNamespace(resource, namespace ?? '', name)
    if (this.get(id, name, namespace)) throw alreadyExists(resource.group, resource.plural, name)
    const complete = withDefaults(
      id,
      {
        ...given,
        metadata: { ...given.metadata, name, uid: randomUUID(), creationTimestamp: timestamp(), generation: 1 },
      },
      undefined,
      this.#addresses,
    )
    delete complete.metadata.resourceVersion
    const tracked = options.manager ? trackUpdate(undefined, complete, options.manager) : complete
    return options.dryRun ? tracked : this.store.put(id, tracked)
  }

  /**
   * Replaces an object by its next state. Its status is kept where the resource has the subresource, and only that is
   * taken where `options.subresource` is 'status'. Nothing changes where nothing differs.
   * @throws StatusError 409 where it was changed since the version that `next` names, 404 where it is gone
   */
  update(id: string, next: KubeObject, options: WriteOptions = {}): KubeObject {
    const resource = this.resource(id)
    const { name, namespace } = next.metadata
    const before = this.get(id, name, namespace)
    if (!before) throw notFound(resource.group, resource.plural, name)
    const { resourceVersion } = next.metadata
    if (resourceVersion && resourceVersion !== before.metadata.resourceVersion)
      throw modified(resource.group, resource.plural, name)
    if (next.metadata.uid && next.metadata.uid !== before.metadata.uid)
      throw modified(resource.group, resource.plural, name)
    const merged = layOver(before, next, resource, options.subresource)
    const complete = options.subresource ? merged : withDefaults(id, merged, before, this.#addresses)
    const after = { ...complete, metadata: { ...complete.metadata, generation: before.metadata.generation ?? 1 } }
    if (same(withoutBookkeeping(after), withoutBookkeeping(before))) return before
    if (specChanged(before, after)) after.metadata.generation++
    const tracked =
      options.manager &&
      !next.metadata.managedFields?.some((each) => each.operation === 'Apply' && each.manager === options.manager)
        ? trackUpdate(before, after, options.manager, options.subresource)
        : after
    if (options.dryRun) return tracked
    if (
      tracked.metadata.deletionTimestamp &&
      !tracked.metadata.finalizers?.length &&
      id !== 'namespaces' &&
      id !== 'pods'
    ) {
      return this.#remove(id, tracked)
    }
    return this.store.put(id, tracked)
  }

  /** Changes an object of the twin's own accord, where it is there: `change` is given a copy to change. */
  change(
    id: string,
    name: string,
    namespace: string | undefined,
    change: (draft: KubeObject) => void,
    subresource?: 'status',
  ): KubeObject | undefined {
    const before = this.get(id, name, namespace)
    if (!before) return undefined
    const draft = structuredClone(before)
    change(draft)
    return this.update(id, draft, subresource ? { subresource } : {})
  }

  /** Creates an object, or updates the existing one to it: labels and annotations are added, the status is kept. */
  ensure(id: string, wanted: KubeObject): KubeObject {
    const { name, namespace } = wanted.metadata
    const before = this.get(id, name, namespace)
    if (!before) return this.create(id, wanted)
    const { status: _, ...rest } = wanted
    return this.update(id, {
      ...before,
      ...rest,
      metadata: {
        ...before.metadata,
        labels: { ...before.metadata.labels, ...wanted.metadata.labels },
        annotations: { ...before.metadata.annotations, ...wanted.metadata.annotations },
      },
    })
  }

  /**
   * Asks for an object's deletion: with finalizers, or as a pod with containers, it stays with its deletionTimestamp.
   * @throws StatusError 404 where it is not there
   */
  delete(id: string, name: string, namespace?: string, options: DeleteOptions = {}): KubeObject {
    const resource = this.resource(id)
    const before = this.get(id, name, namespace)
    if (!before) throw notFound(resource.group, resource.plural, name)
    if (options.dryRun) return before
    const finalizers = new Set(before.metadata.finalizers ?? [])
    if (options.propagation === 'Foreground' && this.#dependents(before).length) finalizers.add('foregroundDeletion')
    if (options.propagation === 'Orphan') this.#orphan(before)
    const grace = options.graceSeconds ?? before.spec?.terminationGracePeriodSeconds ?? 30
    const stays = id === 'namespaces' || finalizers.size > 0 || (id === 'pods' && this.removesPods(before, grace))
    if (!stays) return this.#remove(id, before)
    const again = before.metadata.deletionTimestamp !== undefined
    const marked = {
      ...before,
      metadata: {
        ...before.metadata,
        deletionTimestamp:
          before.metadata.deletionTimestamp ?? timestamp(new Date(Date.now() + (id === 'pods' ? grace * 1000 : 0))),
        ...(id === 'pods' ? { deletionGracePeriodSeconds: grace } : {}),
        ...(finalizers.size ? { finalizers: [...finalizers] } : {}),
        generation: (before.metadata.generation ?? 1) + (again ? 0 : 1),
      },
      ...(id === 'namespaces' ? { status: { ...before.status, phase: 'Terminating' } } : {}),
    }
    return again && same(marked.metadata, before.metadata) ? before : this.store.put(id, marked)
  }

  /** Removes an object at once, whatever its finalizers, as a kubelet or the namespace controller does in the end. */
  finish(id: string, name: string, namespace?: string): void {
    const object = this.get(id, name, namespace)
    if (object) this.#remove(id, object)
  }

  #remove(id: string, object: KubeObject): KubeObject {
    const last = this.store.remove(id, object)
    // What it owned goes with it, and an owner that waits for that (foreground deletion) may go then.
    for (const { resource, object: dependent } of this.#dependents(object)) {
      if (this.get(resource, dependent.metadata.name, dependent.metadata.namespace))
        this.delete(resource, dependent.metadata.name, dependent.metadata.namespace, { propagation: 'Background' })
    }
    for (const owner of object.metadata.ownerReferences ?? []) this.#finishForeground(owner.uid)
    return last
  }

  #finishForeground(uid: string): void {
    for (const resource of this.resources.all()) {
      const owner = this.list(resource.id).find((each) => each.metadata.uid === uid)
      if (!owner?.metadata.finalizers?.includes('foregroundDeletion') || this.#dependents(owner).length) continue
      const finalizers = owner.metadata.finalizers.filter((each) => each !== 'foregroundDeletion')
      this.update(resource.id, { ...owner, metadata: { ...owner.metadata, finalizers } })
    }
  }

  #dependents(owner: KubeObject): { resource: string; object: KubeObject }[] {
    const { uid } = owner.metadata
    return this.resources.all().flatMap(({ id }) =>
      this.list(id)
        .filter((object) => object.metadata.ownerReferences?.some((each) => each.uid === uid))
        .map((object) => ({ resource: id, object })),
    )
  }

  #orphan(owner: KubeObject): void {
    for (const { resource, object } of this.#dependents(owner)) {
      const ownerReferences = object.metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid) ?? []
      this.update(resource, { ...object, metadata: { ...object.metadata, ownerReferences } })
    }
  }

  #checkNamespace(resource: Resource, namespace: string, name: string): void {
    const found = this.get('namespaces', namespace)
    if (!found) throw notFound('', 'namespaces', namespace)
    if (found.metadata.deletionTimestamp) {
      throw new StatusError(
        403,
        'Forbidden',
        `${resource.id} "${name}" is forbidden: ` +
          `unable to create new content in namespace ${namespace} because it is being terminated`,
        {
          name,
          group: resource.group,
          kind: resource.plural,
          causes: [
            {
              reason: 'NamespaceTerminating',
              message: `namespace ${namespace} is being terminated`,
              field: 'metadata.namespace',
            },
          ],
        },
      )
    }
  }
}

function layOver(
  before: KubeObject,
  next: KubeObject,
  resource: Resource,
  subresource: string | undefined,
): KubeObject {
  const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds } = before.metadata
  const fixed = {
    uid,
    creationTimestamp,
    ...(deletionTimestamp ? { deletionTimestamp } : {}),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
  } as Partial<KubeObject['metadata']>
  if (subresource === 'status') return { ...before, status: next.status }
  const { resourceVersion: _, deletionTimestamp: __, deletionGracePeriodSeconds: ___, ...metadata } = next.metadata
  const laid: KubeObject = { ...next, apiVersion: next.apiVersion, metadata: { ...metadata, ...fixed } }
  if (resource.subresources.includes('status') && before.status !== undefined) laid.status = before.status
  return laid
}

const withoutBookkeeping = (object: KubeObject): object => {
  const { resourceVersion: _, managedFields: __, generation: ___, ...metadata } = object.metadata
  return { ...object, metadata }
}

const specChanged = (before: KubeObject, after: KubeObject): boolean => {
  const { metadata: _, status: __, apiVersion: ___, ...a } = before
  const { metadata: ____, status: _____, apiVersion: ______, ...b } = after
  return !same(a, b)
}
