import type { DeadlineName } from '../core/deadlines.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import type { Journal } from '../cluster/journal.ts'
import { restoring } from '../cluster/restoring.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { kindOf, type KindName, type ObjectId } from '../kube/object-id.ts'
import { isRolledOut } from '../kube/rolled-out.ts'
import type { Stack } from '../stack/stack.ts'
import { until, type Condition } from '../kube/until.ts'
import type { Watched } from '../kube/watch.ts'

/** The hands of a sabotage: every change is in the journal, with what undoes it, before it is made. */
export class Saboteur {
  readonly api: Kubernetes
  readonly config: StackConfig
  readonly #journal: Journal

  constructor({ k8s, config, journal }: Pick<Stack, 'k8s' | 'config' | 'journal'>) {
    this.api = k8s
    this.config = config
    this.#journal = journal
  }

  /** Merge-patches an object; it is put back to what it had where the patch reaches. */
  async change(kind: KindName, namespace: string | undefined, name: string, change: object): Promise<void> {
    const id: ObjectId = { kind, name, namespace }
    const before = await this.api.get(kind, name, namespace)
    this.#journal.changed(id, restoring(before, change))
    await this.api.patch(id, change)
  }

  /** Applies an object that is not there. */
  async make(object: KubernetesObject): Promise<void> {
    const { name = '', namespace } = object.metadata ?? {}
    this.#journal.made({ kind: kindOf(object), name, namespace })
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
    this.#journal.removed({ kind, name, namespace }, { ...rest, metadata })
    await this.api.delete({ kind, name, namespace })
    await this.until({ kind, name, namespace }, (left) => (left.length ? 'still there' : undefined), 'configPush')
  }

  /** Scales a Deployment, and waits until it has as many pods, Ready. */
  async scale(namespace: string, name: string, replicas: number): Promise<void> {
    await this.change('apps/v1/Deployment', namespace, name, { spec: { replicas } })
    await this.until(
      { kind: 'apps/v1/Deployment', namespace, name },
      ([found]) =>
        (found?.status?.replicas ?? 0) === replicas && (found?.status?.readyReplicas ?? 0) === replicas
          ? undefined
          : `${found?.status?.readyReplicas ?? 0} of ${replicas} pods are Ready, ${found?.status?.replicas ?? 0} exist`,
      'scale',
    )
  }

  /** Waits until a Deployment has nothing but Ready pods of its newest template. */
  async rolledOut(namespace: string, name: string): Promise<void> {
    await this.until({ kind: 'apps/v1/Deployment', namespace, name }, isRolledOut, 'componentAvailable')
  }

  until(watched: Watched, condition: Condition, within: DeadlineName): Promise<KubernetesObject[]> {
    return until(this.api, watched, condition, within)
  }
}
