import { OpenChanges, type ChangesContext } from '../cluster/open-changes.ts'
import { restartPods } from '../cluster/restart.ts'
import { RUN_LABEL } from '../config/run-info.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import type { KubernetesObject } from '../core/object.ts'
import { plainMessage, StackFailure } from '../core/problem.ts'
import { idOf, nameOfId, objectName, type ObjectId } from '../kube/object-id.ts'
import { isRolledOut } from '../kube/rolled-out.ts'
import { renderRelease, type Release } from './charts.ts'

// What a cluster has of a component already, whoever installed it.
const KEPT = new Set(['CustomResourceDefinition', 'Namespace'])

/** What of an object can be laid over another of the same name. */
const withoutIdentity = ({ apiVersion: _, kind: __, metadata, ...rest }: KubernetesObject): object => ({
  ...rest,
  metadata: { labels: metadata?.labels ?? {}, annotations: metadata?.annotations ?? {} },
})

/**
 * The hands of a shape: every change is in the journal, with what undoes it, before it is made. What it acts out (an
 * operator that puts ConfigMaps back) goes on until the shape ends.
 */
export class Shaper extends OpenChanges {
  readonly #charts: string | undefined
  readonly #acting = new AbortController()
  readonly #acts: Promise<void>[] = []
  /** The Deployments that were restarted, and are again once the shape is put back. */
  readonly restarted: ObjectId[] = []
  /** What stack.yaml needs beyond the shape's own keys: what is known only once it is made. */
  stack: Partial<Pick<StackConfig, 'addresses'>> = {}
  /** What ended what it acts out, where it did not go on. */
  problem: string | undefined

  constructor(context: ChangesContext, charts?: string) {
    super(context)
    this.#charts = charts
  }

  /**
   * Applies an object; a namespace carries the run's label, by which it is deleted.
   * @throws StackFailure where it is there: putting the shape back would delete it
   */
  override async make(object: KubernetesObject): Promise<void> {
    const { kind, name, namespace } = idOf(object)
    if (await this.api.find(kind, name, namespace))
      throw new StackFailure(`${objectName(object)} exists already: the shape would delete it when it ends.`)
    if (object.kind !== 'Namespace') return super.make(object)
    const labels = { ...object.metadata?.labels, [RUN_LABEL]: this.journal.run }
    return super.make({ ...object, metadata: { ...object.metadata, labels } })
  }

  /** Makes a namespace. */
  namespace(name: string, labels: Record<string, string> = {}): Promise<void> {
    return this.make({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
  }

  /** Sets the status of an object that the shape has made. */
  async setStatus(object: ObjectId, status: object): Promise<void> {
    const path = `${await this.api.path(object)}/status`
    const options = { contentType: 'application/merge-patch+json', doing: `setting the status of ${nameOfId(object)}` }
    await this.api.raw('PATCH', path, { ...options, body: JSON.stringify({ status }) })
  }

  /** Makes the objects of a Helm release; what is there under the same name is changed to what the chart has. */
  async install(release: Release): Promise<void> {
    const { gitVersion } = await this.api.json<{ gitVersion: string }>('/version')
    for (const object of await renderRelease(this.#charts, release, gitVersion)) {
      const { kind, name, namespace } = idOf(object)
      if (KEPT.has(object.kind ?? '')) continue
      if (!(await this.api.find(kind, name, namespace))) await this.make(object)
      else if (object.kind !== 'Secret') await this.change(kind, namespace, name, withoutIdentity(object))
    }
  }

  /** Replaces the pods of Deployments of a namespace one by one, now and once the shape is put back. */
  async restart(namespace: string, ...names: string[]): Promise<void> {
    const deployments = names.map((name) => ({ kind: 'apps/v1/Deployment', namespace, name }))
    this.restarted.push(...deployments)
    await restartPods(this.api, deployments)
  }

  /** Waits until a workload has nothing but Ready pods of its newest template. */
  async rolledOut(namespace: string, name: string, kind: 'Deployment' | 'DaemonSet' = 'Deployment'): Promise<void> {
    await this.until({ kind: `apps/v1/${kind}`, namespace, name }, isRolledOut, 'componentAvailable')
  }

  /** Acts something out until the shape ends. */
  act(part: (signal: AbortSignal) => Promise<unknown>): void {
    const ended = part(this.#acting.signal).then(
      () => undefined,
      (problem: unknown) => {
        if (!this.#acting.signal.aborted) this.problem ??= plainMessage(problem)
      },
    )
    this.#acts.push(ended)
  }

  /** Ends what is acted out. */
  async end(): Promise<void> {
    this.#acting.abort(new Error('the shape has ended'))
    await Promise.all(this.#acts)
  }
}
