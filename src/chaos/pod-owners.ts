import type { KubernetesObject } from '../core/object.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import type { ObjectId } from '../kube/object-id.ts'

/** Workloads that make a pod again elsewhere, and whose status says how many of their pods are Ready. */
const WORKLOADS = ['Deployment', 'ReplicaSet', 'Rollout', 'StatefulSet', 'DaemonSet']

/** Whether somebody can wait until an owner has all its pods again. */
export const isWorkload = ({ kind }: ObjectId): boolean => WORKLOADS.includes(kind.split('/').at(-1) ?? '')

/** What a pod belongs to: the controller that made it, or what made that controller (a Deployment its ReplicaSet). */
export class PodOwners {
  readonly #api: Kubernetes
  readonly #above = new Map<string, Promise<ObjectId>>()

  constructor(api: Kubernetes) {
    this.#api = api
  }

  /** The owner of a pod; undefined for a pod that nothing controls. */
  of(pod: KubernetesObject): Promise<ObjectId | undefined> {
    const owner = controllerOf(pod)
    if (owner === undefined) return Promise.resolve(undefined)
    if (!owner.kind.endsWith('/ReplicaSet')) return Promise.resolve(owner)
    const key = `${owner.namespace}/${owner.name}`
    const above = this.#above.get(key) ?? this.#aboveOf(owner)
    this.#above.set(key, above)
    return above
  }

  async #aboveOf(replicaSet: ObjectId): Promise<ObjectId> {
    const found = await this.#api.find(replicaSet.kind, replicaSet.name, replicaSet.namespace)
    return (found && controllerOf(found)) ?? replicaSet
  }
}

function controllerOf({ metadata }: KubernetesObject): ObjectId | undefined {
  const references = metadata?.ownerReferences ?? []
  const owner = references.find(({ controller }) => controller) ?? references[0]
  if (!owner) return undefined
  return { kind: `${owner.apiVersion ?? 'v1'}/${owner.kind}`, name: owner.name, namespace: metadata?.namespace }
}
