import type { KubernetesObject } from '../core/object.ts'
import type { Effect } from '../core/record.ts'
import { currentScope, inScope, requireEffect, Scope } from '../core/scope.ts'
import { isSomebodys } from '../config/run-info.ts'
import { askPod, type PodRequest } from '../kube/forward.ts'
import { kindOf, nameOfId, objectName, type KindName, type ObjectId } from '../kube/object-id.ts'
import { isRolledOutOrGone } from '../kube/rolled-out.ts'
import { restartPods } from './restart.ts'
import { putBack, restoring } from './restoring.ts'
import { takeBack } from './undo.ts'
import { until, type Condition } from '../kube/until.ts'
import type { Cluster } from './cluster.ts'

/**
 * What a check does to things that are not its own: each is in the journal first, and is taken back when the check
 * ends.
 */
export class Changes {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /**
   * Merge-patches a shared object for the time of the running check, and puts back what stood there when it ends. What
   * puts it back is in the journal first. Gives the object as it was.
   * @throws Error where the run does not allow it
   */
  async tune(kind: KindName, namespace: string | undefined, name: string, change: object): Promise<KubernetesObject> {
    const id: ObjectId = { kind, name, namespace }
    this.#requireAllowed('tunes', `changed ${nameOfId(id)}`, nameOfId(id))
    const before = await this.#cluster.k8s.get(kind, name, namespace)
    const restore = restoring(before, change)
    const entry = this.#cluster.journal.changed(id, restore)
    currentScope()?.onEnd(async () => {
      await putBack(this.#cluster.k8s, id, restore)
      this.#cluster.journal.undone(entry)
    })
    await this.#cluster.k8s.patch(id, change)
    return before
  }

  /**
   * Applies an object of ours where it stands among others' (a policy in the root namespace, a secret beside the
   * gateway), or that has no namespace. It is in the journal before it is there, and goes when the check ends.
   * `shared`: everybody's traffic feels it.
   */
  async place(object: KubernetesObject, effect: 'own' | 'shared' = 'own'): Promise<KubernetesObject> {
    const what = objectName(object)
    if (effect === 'shared') this.#requireAllowed('tunes', `placed ${what}, which everybody's traffic meets`, what)
    const id: ObjectId = {
      kind: kindOf(object),
      name: object.metadata?.name ?? '',
      namespace: object.metadata?.namespace,
    }
    this.#cluster.journal.made(id)
    currentScope()?.onEnd(() => this.remove(object))
    const [placed] = await this.#cluster.apply(object)
    return placed!
  }

  /** Has `work` done when the running check ends, before what was registered earlier. */
  atEnd(work: () => Promise<void>): void {
    currentScope()?.onEnd(work)
  }

  /** Has something go when the check ends that another makes for it; it is in the journal from now on. */
  willRemove(id: ObjectId): void {
    const entry = this.#cluster.journal.made(id)
    currentScope()?.onEnd(async () => {
      await this.#cluster.k8s.delete(id)
      this.#cluster.journal.undone(entry)
    })
  }

  /** Deletes an object of ours that was placed, and waits until it is gone. */
  async remove(object: KubernetesObject): Promise<void> {
    const { name = '', namespace } = object.metadata ?? {}
    const kind = kindOf(object)
    await this.#cluster.k8s.delete({ kind, name, namespace })
    const gone: Condition = (left) => (left.length ? 'it is still there' : undefined)
    await until(this.#cluster.k8s, { kind, name, namespace }, gone, 'configPush')
    const made = this.#cluster.journal
      .pending()
      .find((entry) => entry.object.kind === kind && entry.object.name === name && entry.object.namespace === namespace)
    if (made) this.#cluster.journal.undone(made.seq)
  }

  /**
   * Tells a program in a pod something by its own interface for the time of the running check, and takes it back by
   * `restore` when it ends; that is in the journal first. Gives the answer.
   */
  async tell(pod: KubernetesObject, port: number, asked: PodRequest, restore: PodRequest): Promise<string> {
    this.#requireAllowed('tunes', `told ${objectName(pod)} ${asked.path}`, objectName(pod))
    const { name = '', namespace = '' } = pod.metadata ?? {}
    const object: ObjectId = { kind: 'v1/Pod', name, namespace }
    const entry = this.#cluster.journal.told(object, port, restore)
    currentScope()?.onEnd(async () => {
      await takeBack(this.#cluster.k8s, { object, port, restore })
      this.#cluster.journal.undone(entry)
    })
    return askPod(this.#cluster.k8s, { name, namespace, port }, asked)
  }

  /**
   * Notes that pods of a workload are about to be killed or replaced. When the check ends it is waited for until it is
   * whole again.
   * @throws Error where the run does not allow it
   */
  willDisturb(workload: ObjectId): void {
    const what = nameOfId(workload)
    this.#requireAllowed('disrupts', `took pods from ${what}`, what)
    const entry = this.#cluster.journal.disturbed(workload)
    currentScope()?.onEnd(async () => {
      await until(this.#cluster.k8s, workload, isRolledOutOrGone, 'componentAvailable')
      this.#cluster.journal.undone(entry)
    })
  }

  /**
   * Replaces the pods of a workload one after the other: for a program that reads its settings only when it starts. It
   * is in the journal first.
   * @throws Error where the run does not allow it
   */
  async restart(id: ObjectId): Promise<void> {
    this.#requireAllowed('tunes', `restarted ${nameOfId(id)}`, nameOfId(id))
    const entry = this.#cluster.journal.disturbed(id)
    const restart = () => restartPods(this.#cluster.k8s, [id])
    const scope = currentScope()
    // Evicting pods of others disrupts; one after the other, as here, it does not.
    await (scope ? inScope(new Scope(scope.id, scope.signal, 'disrupts', scope), restart) : restart())
    this.#cluster.journal.undone(entry)
  }

  /**
   * Requires that the running check declares `effect`, and that the run may change `what` on a cluster that is not
   * ours.
   */
  #requireAllowed(effect: Effect, did: string, what: string): void {
    requireEffect(effect, did)
    if (!isSomebodys(this.#cluster.config.target) || this.#cluster.run.allowDisruption) return
    throw new Error(
      `refusing to change ${what} on a cluster that is not ours; pass --allow-disruption --context NAME to allow it`,
    )
  }
}
