import { alivePods, readyPods } from '../kube/pods.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { DeadlineName } from '../core/deadlines.ts'
import { POD_AUTOSCALER, SERVERLESS_SERVICE } from '../kube/kinds.ts'
import { podsOfRevision, type RevisionName } from './revision.ts'
import { recordWhile, type Snapshot } from '../cluster/timeline.ts'
import type { Condition } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'

/** The way that a ServerlessService sends requests: through the activator, or straight to the pods. */
export type Mode = 'Proxy' | 'Serve'

const modeOf = (serverlessService: KubernetesObject | undefined): Mode | undefined =>
  serverlessService?.spec?.mode as Mode | undefined

/** The condition that a PodAutoscaler asks for `count` pods. */
export const desiredScaleIs =
  (count: number): Condition =>
  ([podAutoscaler]) =>
    podAutoscaler?.status?.desiredScale === count
      ? undefined
      : `status.desiredScale is ${podAutoscaler?.status?.desiredScale ?? 'not set'}, expected ${count}`

/** What Knative's autoscaler does with one revision, by watch. */
export class Autoscaler {
  readonly #cluster: Cluster
  readonly #revision: RevisionName

  constructor(cluster: Cluster, revision: RevisionName) {
    this.#cluster = cluster
    this.#revision = revision
  }

  /** Waits until the ServerlessService is in a mode. */
  async untilMode(mode: Mode, within: DeadlineName = 'scale'): Promise<void> {
    const missing = ([serverlessService]: KubernetesObject[]) =>
      modeOf(serverlessService) === mode
        ? undefined
        : `spec.mode is ${modeOf(serverlessService) ?? 'not set'}, expected ${mode}`
    await this.#cluster.until({ kind: SERVERLESS_SERVICE, ...this.#names }, missing, within)
  }

  /** Waits until `count` pods are Ready (0: until every pod is gone or terminating), and gives all of them. */
  untilPods(count: number, within: DeadlineName = 'scale'): Promise<KubernetesObject[]> {
    const missing = (pods: KubernetesObject[]) => {
      if (count === 0) {
        const left = alivePods(pods).length
        return left === 0 ? undefined : `${left} pods are left, expected 0`
      }
      const ready = readyPods(pods).length
      return ready >= count ? undefined : `${ready} of ${count} pods are Ready`
    }
    return this.#cluster.until({ kind: 'v1/Pod', ...this.#pods }, missing, within)
  }

  /** The modes that the ServerlessService had while `work` went on. */
  async modesWhile(work: () => Promise<unknown>): Promise<(Mode | undefined)[]> {
    const { snapshots } = await recordWhile(this.#cluster.k8s, { kind: SERVERLESS_SERVICE, ...this.#names }, work)
    return [...new Set(snapshots.map(({ objects }) => modeOf(objects[0])))]
  }

  /** Every state of the revision's pods while `work` goes on. */
  podsWhile<T>(work: () => Promise<T>): Promise<{ snapshots: Snapshot[]; result: T }> {
    return recordWhile(this.#cluster.k8s, { kind: 'v1/Pod', ...this.#pods }, work)
  }

  /** The PodAutoscaler's desired scale, each change of it with its time in milliseconds, while `work` goes on. */
  async desiredScaleWhile<T>(
    work: () => Promise<T>,
  ): Promise<{ changes: { at: number; desired: number }[]; result: T }> {
    const { snapshots, result } = await recordWhile(this.#cluster.k8s, { kind: POD_AUTOSCALER, ...this.#names }, work)
    const changes: { at: number; desired: number }[] = []
    for (const { at, objects } of snapshots) {
      const desired = objects[0]?.status?.desiredScale as number | undefined
      if (desired !== undefined && desired >= 0 && desired !== changes.at(-1)?.desired) changes.push({ at, desired })
    }
    return { changes, result }
  }

  get #names() {
    return { namespace: this.#revision.namespace, name: this.#revision.revision }
  }

  get #pods() {
    return { namespace: this.#revision.namespace, labels: podsOfRevision(this.#revision.revision) }
  }
}
