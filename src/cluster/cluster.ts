import { deadline, type DeadlineName } from '../core/deadlines.ts'
import { eventually, type EventuallyOptions } from '../core/eventually.ts'
import type { KubernetesObject } from '../core/object.ts'
import { StackFailure } from '../core/problem.ts'
import { PromiseCache } from '../core/promise-cache.ts'
import { currentScope, inScope, requireEffect, Scope, waitingFor } from '../core/scope.ts'
import { journalFile, RUN_LABEL, shortRunId, type RunInfo } from '../config/run-info.ts'
import { loadKubeConfig } from '../kube/connection.ts'
import { Kubernetes } from '../kube/kubernetes.ts'
import type { KindName } from '../kube/object-id.ts'
import { namesIn, readManifest } from '../kube/manifest.ts'
import { until, type Condition } from '../kube/until.ts'
import type { Watched } from '../kube/watch.ts'
import { readSurvey } from '../survey/read-survey.ts'
import { readSurveyFile } from '../survey/survey-file.ts'
import type { Survey } from '../survey/survey.ts'
import { fixtureValues } from './fixture-values.ts'
import { Journal } from './journal.ts'
import { dressed } from './ours.ts'
import { throwRefusal } from './policy-refusal.ts'
import { namespaceLabels, namespaceObject, pullSecretsFor } from './own-namespace.ts'
import { deleteNow, notOfRun } from './undo.ts'

/** The scope in which what is made once a run is made. */
const SHARED = 'shared'

/** Kinds that are others from moment to moment, whoever looks: pods are replaced, and endpoints with them. */
const FLEETING: readonly KindName[] = ['v1/Pod', 'discovery.k8s.io/v1/EndpointSlice']

/**
 * What a check may do to a cluster: read what is installed once a run, make objects of its own, wait. It knows no part
 * of the stack; the parts (istiod, Knative, the ingress) take it. One for a whole run.
 */
export class Cluster {
  readonly run: RunInfo
  readonly k8s: Kubernetes
  readonly journal: Journal
  readonly #lists = new PromiseCache<KubernetesObject[]>()
  readonly #survey = new PromiseCache<Survey>()
  readonly #namespaces = new Set<string>()
  /** Namespaces of ours that were deleted, though they may not be gone yet. */
  readonly #ended = new Set<string>()
  readonly #shared = new PromiseCache<{ value: unknown; scope: Scope }>()
  readonly #signal: AbortSignal

  constructor(run: RunInfo, signal: AbortSignal) {
    this.run = run
    this.k8s = new Kubernetes(loadKubeConfig(run.config.kubeconfig, run.context))
    this.journal = new Journal(journalFile(run.id))
    this.#signal = signal
  }

  get config() {
    return this.run.config
  }

  /**
   * All objects of a kind, in the cluster or one namespace, but for those of this run: one LIST a run, shared by every
   * check that reads. Pods and EndpointSlices are read anew each time; only calls at the same moment share a LIST.
   * What a check itself changes it must read by `k8s` or `until`.
   */
  async all(kind: KindName, namespace?: string): Promise<KubernetesObject[]> {
    const key = `${kind} ${namespace ?? ''}`
    // Many checks may wait for this LIST: it is not to end with the one that asked first.
    const list = () => this.k8s.list(kind, { namespace, signal: this.#signal }).then(({ items }) => items)
    const objects = await (FLEETING.includes(kind) ? this.#lists.inFlight(key, list) : this.#lists.get(key, list))
    return objects.filter((object) => !this.#isOurs(object))
  }

  /**
   * One object out of `all`.
   * @throws StackFailure where it is not there
   */
  async one(kind: KindName, name: string, namespace?: string): Promise<KubernetesObject> {
    const object = (await this.all(kind, namespace)).find((each) => each.metadata?.name === name)
    if (!object)
      throw new StackFailure(`${kind.split('/').at(-1)} ${namespace ? `${namespace}/` : ''}${name} does not exist.`)
    currentScope()?.touch(object)
    return object
  }

  /** As `one`, or undefined where it is not there. */
  async maybe(kind: KindName, name: string, namespace?: string): Promise<KubernetesObject | undefined> {
    const object = (await this.all(kind, namespace)).find((each) => each.metadata?.name === name)
    if (object) currentScope()?.touch(object)
    return object
  }

  /** What stands in the cluster: read once, or taken from the run, whose preparation read it. */
  survey(): Promise<Survey> {
    const { config, surveyed } = this.run
    return this.#survey.get('', () =>
      surveyed
        ? Promise.resolve(readSurveyFile(this.run.id))
        : readSurvey({ k8s: this.k8s, config, signal: this.#signal }),
    )
  }

  /** Has `all` read anew: after a fault pods are others, and nodes. */
  forgetLists(): void {
    this.#lists.clear()
  }

  /** The API server's version, as '1.34.4' or '1.33.1-eks-abc'. */
  async serverVersion(): Promise<string> {
    const { gitVersion } = await this.k8s.json<{ gitVersion: string }>('/version')
    return gitVersion.replace(/^v/, '')
  }

  /** Waits by watch until `condition` holds; see until.ts. */
  until(watched: Watched, condition: Condition, within: DeadlineName): Promise<KubernetesObject[]> {
    return until(this.k8s, watched, condition, within)
  }

  /** Asks again and again until nothing is missing; see eventually.ts. */
  eventually(
    what: string,
    missing: () => Promise<string | undefined>,
    within: DeadlineName,
    options: EventuallyOptions = {},
  ): Promise<void> {
    return eventually(what, missing, within, options)
  }

  /**
   * Makes a namespace for the running check and gives its name. It carries the run's label, is in the journal before it
   * exists, and goes when the check ends. `labels` may ask for sidecar injection.
   */
  async namespace(name: string, labels: Record<string, string> = {}): Promise<string> {
    const full = `plumb-${name}-${shortRunId(this.run.id)}`
    const object = { kind: 'v1/Namespace', name: full }
    // Two checks with one name would each delete what the other works in.
    if (this.#namespaces.has(full)) throw new Error(`the namespace ${full} is another check's: give it another name`)
    this.#namespaces.add(full)
    if (this.#ended.has(full)) {
      const gone: Condition = (found) => (found.length ? 'it is being deleted' : undefined)
      await this.until(object, gone, 'namespaceGone')
    }
    this.journal.made(object)
    currentScope()?.onEnd(async () => {
      this.#namespaces.delete(full)
      this.#ended.add(full)
      await deleteNow(this.k8s, object, notOfRun(this.run.id))
    })
    const { ours } = this.config
    const made = namespaceObject(full, this.run.id, ours, namespaceLabels(ours, await this.survey(), labels))
    await this.k8s.apply(made).catch(throwRefusal(made))
    await this.apply(...(await pullSecretsFor(this.k8s, ours, full)))
    return full
  }

  /**
   * Applies objects of ours, one after the other, each with what stack.yaml asks for it (ours) and the run's label, and
   * gives them as the server has them.
   * @throws NotLookedAt where a policy of the cluster refuses one
   */
  async apply(...objects: KubernetesObject[]): Promise<KubernetesObject[]> {
    const applied: KubernetesObject[] = []
    for (const object of objects) applied.push(await this.k8s.apply(this.ours(object)).catch(throwRefusal(object)))
    return applied
  }

  /** Tries an object of ours as `apply` would send it, and changes nothing. */
  dryCreate(object: KubernetesObject): Promise<KubernetesObject> {
    return this.k8s.dryCreate(this.ours(object))
  }

  /** An object of ours with what stack.yaml asks for it, and the run's label. */
  ours(object: KubernetesObject): KubernetesObject {
    const { metadata, ...rest } = dressed(object, this.config.ours)
    return { ...rest, metadata: { ...metadata, labels: { ...metadata?.labels, [RUN_LABEL]: this.run.id } } }
  }

  /** Applies a manifest of fixtures/, its `${name}`s filled in; see `fixture`. */
  async applyFixture(path: string, values: Record<string, string | number>): Promise<KubernetesObject[]> {
    return this.apply(...(await this.fixture(path, values)))
  }

  /**
   * The objects of a manifest of fixtures/, its `${name}`s filled in with `values`, the run's images, and what the
   * survey found (fixture-values.ts).
   */
  async fixture(path: string, values: Record<string, string | number>): Promise<KubernetesObject[]> {
    const { node, nginx } = this.config.images
    const surveyed = await fixtureValues(
      this,
      namesIn(path).filter((name) => !(name in values)),
    )
    return readManifest(path, { nodeImage: node, nginxImage: nginx, ...surveyed, ...values })
  }

  /** What names of ours end with where they stand among others'. */
  get runTag(): string {
    return shortRunId(this.run.id)
  }

  /**
   * Runs a part of a check as if it were one of its own: what it tuned is put back when it ends, and what it looked at
   * is kept.
   */
  async inOwnScope<T>(part: () => Promise<T>): Promise<T> {
    const outer = currentScope()
    const signal = outer?.signal ?? new AbortController().signal
    const scope = new Scope(outer?.id ?? 'part', signal, outer?.effect ?? 'disrupts', outer)
    try {
      return await inScope(scope, part)
    } finally {
      await inScope(scope, () => scope.end())
      for (const object of scope.touched.values()) outer?.touch(object)
    }
  }

  /**
   * Makes something once a run, for several checks: the first to ask makes it, and it stays until the run ends. What
   * could not be made is cleaned up, and made anew by the next check that asks. Whether it is there already or not, a
   * check that asks for it declares that it writes.
   */
  async shared<T>(name: string, make: () => Promise<T>): Promise<T> {
    requireEffect('writes', `asked for ${name}, which is made once a run`)
    const made = this.#shared.get(name, () => this.#make(make))
    const asking = currentScope()
    const wait = async () => {
      const { value, scope } = await made
      for (const object of scope.touched.values()) asking?.touch(object)
      return value as T
    }
    // One shared thing may be made with another: that is no check's waiting.
    return asking?.id === SHARED ? wait() : waitingFor(`${name}, made once a run`, deadline('check'), wait)
  }

  async #make(make: () => Promise<unknown>): Promise<{ value: unknown; scope: Scope }> {
    const scope = new Scope(SHARED, this.#signal, 'writes')
    try {
      return { value: await inScope(scope, make), scope }
    } catch (problem) {
      await inScope(scope, () => scope.end())
      throw problem
    }
  }

  #isOurs(object: KubernetesObject): boolean {
    const suffix = `-${shortRunId(this.run.id)}`
    const place = object.kind === 'Namespace' ? object.metadata?.name : object.metadata?.namespace
    return (
      object.metadata?.labels?.[RUN_LABEL] === this.run.id ||
      Boolean(place?.startsWith('plumb-') && place.endsWith(suffix))
    )
  }
}
