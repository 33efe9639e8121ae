import type { StackConfig } from '../config/stack-schema.ts'
import type { DeadlineName } from '../core/deadlines.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { kindOf, type KindName, type ObjectId } from '../kube/object-id.ts'
import { until, type Condition } from '../kube/until.ts'
import type { Watched } from '../kube/watch.ts'
import type { Journal } from './journal.ts'
import { restoring } from './restoring.ts'

/** What changes of a cluster are made by. */
export interface ChangesContext {
  k8s: Kubernetes
  config: StackConfig
  journal: Journal
}

/**
 * Changes of a cluster that stay until their journal is undone: what undoes each is in the journal before it is made.
 */
export class OpenChanges {
  readonly api: Kubernetes
  readonly config: StackConfig
  protected readonly journal: Journal

  constructor({ k8s, config, journal }: ChangesContext) {
    this.api = k8s
    this.config = config
    this.journal = journal
  }

  /** Merge-patches an object; it is put back to what it had where the patch reaches. */
  async change(kind: KindName, namespace: string | undefined, name: string, change: object): Promise<void> {
    const id: ObjectId = { kind, name, namespace }
    const before = await this.api.get(kind, name, namespace)
    this.journal.changed(id, restoring(before, change))
    await this.api.patch(id, change)
  }

  /** Applies an object that is not there. */
  async make(object: KubernetesObject): Promise<void> {
    const { name = '', namespace } = object.metadata ?? {}
    this.journal.made({ kind: kindOf(object), name, namespace })
    await this.api.apply(object)
  }

  /** Removes an object, and waits until it is gone. */
  async remove(kind: KindName, namespace: string | undefined, name: string): Promise<void> {
    const was = await this.api.get(kind, name, namespace)
    const { labels, annotations } = was.metadata ?? {}
    const { status: _, ...rest } = was
    const metadata = {
      name,
      ...(namespace ? { namespace } : {}),
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
    }
    this.journal.removed({ kind, name, namespace }, { ...rest, metadata })
    await this.api.delete({ kind, name, namespace })
    await this.until({ kind, name, namespace }, (left) => (left.length ? 'still there' : undefined), 'configPush')
  }

  until(watched: Watched, condition: Condition, within: DeadlineName): Promise<KubernetesObject[]> {
    return until(this.api, watched, condition, within)
  }
}
