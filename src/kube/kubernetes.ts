import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { currentScope } from '../core/scope.ts'
import { ApiCalls, type ApiCall } from './calls.ts'
import type { SharedKubeConfig } from './connection.ts'
import { Discovery, rootOf } from './discovery.ts'
import { statusOf } from './errors.ts'
import { linesOf } from './lines.ts'
import { listPages, withoutManagers, type ListOptions } from './list.ts'
import { idOf, nameOfId, objectName, splitKind, type KindName, type ObjectId } from './object-id.ts'

/** The name under which Plumbline owns fields of objects that it applies. */
export const FIELD_MANAGER = 'plumbline'

/** From where a log is followed, its beginning where nothing is given; `timestamps` puts one before each line. */
export interface LogStart {
  /** A moment (RFC 3339), to the second. */
  since?: string | undefined
  /** So many seconds ago. */
  sinceSeconds?: number
  timestamps?: boolean
}

/** What a request to any path of the API server may carry. */
export type RawOptions = Pick<ApiCall, 'body' | 'contentType' | 'headers' | 'within' | 'doing'>

/**
 * The Kubernetes API of one cluster, for objects of any kind. Objects go in and come out as a manifest has them:
 * client-node's typed models rename and drop fields that they do not know (a CRD's x-kubernetes-* among them). What it
 * throws is a sentence for people: ClusterProblem where the API could not be asked, StackFailure where an object or a
 * kind is missing, ApiRefusal with the server's own words where a request was refused.
 */
export class Kubernetes {
  readonly config: SharedKubeConfig
  readonly server: string
  /** What the cluster serves. */
  readonly served: Discovery
  /** Its HTTP, for what has no method here. */
  readonly calls: ApiCalls

  constructor(config: SharedKubeConfig) {
    this.config = config
    this.calls = new ApiCalls(config)
    this.server = this.calls.server
    this.served = new Discovery((path) => this.json(path))
  }

  /** Reads one object, or gives undefined where it is not there. */
  async find(kind: KindName, name: string, namespace?: string): Promise<KubernetesObject | undefined> {
    try {
      const object = withoutManagers(await this.json(await this.path({ kind, name, namespace })))
      currentScope()?.touch(object)
      return object
    } catch (problem) {
      if (statusOf(problem)?.code === 404) return undefined
      throw problem
    }
  }

  /** Reads a namespace with its managedFields, which tell who made it, or gives undefined where it is not there. */
  async findNamespace(name: string): Promise<KubernetesObject | undefined> {
    try {
      return await this.json(await this.path({ kind: 'v1/Namespace', name }))
    } catch (problem) {
      if (statusOf(problem)?.code === 404) return undefined
      throw problem
    }
  }

  /**
   * Reads one object.
   * @throws StackFailure where it is not there
   */
  async get(kind: KindName, name: string, namespace?: string): Promise<KubernetesObject> {
    const object = await this.find(kind, name, namespace)
    if (!object) throw new StackFailure(`${nameOfId({ kind, name, namespace })} does not exist.`)
    return object
  }

  /** LISTs a kind, in one namespace or all, page by page, without managedFields unless asked for. */
  async list(
    kind: KindName,
    options: ListOptions = {},
  ): Promise<{ items: KubernetesObject[]; resourceVersion: string }> {
    const scope = currentScope()
    if (scope) scope.lists++
    return listPages(this.calls, await this.path({ kind, name: '', namespace: options.namespace }), kind, options)
  }

  /**
   * Server-side apply under our own field manager. With `dryRun` the server validates and admits, and stores nothing.
   * Unknown fields are refused.
   * @throws ApiRefusal where the API server, a schema or a webhook refuses
   */
  async apply(object: KubernetesObject, options: { dryRun?: boolean } = {}): Promise<KubernetesObject> {
    const path = await this.path(idOf(object))
    const dryRun = options.dryRun ? '&dryRun=All' : ''
    const query = `fieldManager=${FIELD_MANAGER}&force=true&fieldValidation=Strict${dryRun}`
    const applied = await this.#send(
      'PATCH',
      `${path}?${query}`,
      object,
      'application/apply-patch+yaml',
      `applying ${objectName(object)}`,
    )
    if (!options.dryRun) currentScope()?.touch(applied)
    return applied
  }

  /** Creates an object without storing it: what validation and admission say of it. Unknown fields are refused. */
  async dryCreate(object: KubernetesObject): Promise<KubernetesObject> {
    const path = await this.path({ ...idOf(object), name: '' })
    const query = `fieldManager=${FIELD_MANAGER}&fieldValidation=Strict&dryRun=All`
    return this.#send('POST', `${path}?${query}`, object, 'application/json', `creating ${objectName(object)}`)
  }

  /** Merge-patches one object, or its status (RFC 7386: null removes a field). */
  async patch(
    id: ObjectId,
    change: object,
    options: { dryRun?: boolean; subresource?: 'status' } = {},
  ): Promise<KubernetesObject> {
    const query = `fieldManager=${FIELD_MANAGER}&fieldValidation=Strict${options.dryRun ? '&dryRun=All' : ''}`
    const path = `${await this.path(id)}${options.subresource ? `/${options.subresource}` : ''}?${query}`
    return this.#send('PATCH', path, change, 'application/merge-patch+json', `changing ${nameOfId(id)}`)
  }

  /** Asks for an object's deletion; one that is gone already is no error. `graceSeconds` is what a pod has to end. */
  async delete(id: ObjectId, { graceSeconds }: { graceSeconds?: number } = {}): Promise<void> {
    try {
      const grace = graceSeconds === undefined ? '' : `&gracePeriodSeconds=${graceSeconds}`
      const path = `${await this.path(id)}?propagationPolicy=Background${grace}`
      await this.raw('DELETE', path, { doing: `deleting ${nameOfId(id)}` })
    } catch (problem) {
      if (statusOf(problem)?.code !== 404) throw problem
    }
  }

  /**
   * Deletes every pod of a namespace without its grace period. The namespace is read first: `notOurs` says why it may
   * not be touched.
   * @throws StackFailure where it may not
   */
  async deletePodsNow(namespace: string, notOurs: (namespace: KubernetesObject) => string | undefined): Promise<void> {
    const found = await this.findNamespace(namespace)
    if (!found) return
    const why = notOurs(found)
    if (why) throw new StackFailure(`Namespace ${namespace} ${why}: its pods are not deleted`)
    const path = `/api/v1/namespaces/${namespace}/pods?gracePeriodSeconds=0`
    await this.raw('DELETE', path, { doing: `deleting the pods of ${namespace}` })
  }

  /**
   * Evicts one pod by the eviction API, which asks PodDisruptionBudgets.
   * @throws ApiRefusal with status code 429 where a budget forbids it
   */
  async evict(name: string, namespace: string): Promise<void> {
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } }
    await this.raw('POST', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, {
      body: JSON.stringify(eviction),
      doing: `evicting pod ${namespace}/${name}`,
    })
  }

  /** The end of a container's log: at most `tail` lines, of the last `sinceSeconds`, each after its time if asked. */
  async log(
    { name, namespace, container }: { name: string; namespace: string; container?: string },
    options: { tail?: number; sinceSeconds?: number; timestamps?: boolean } = {},
  ): Promise<string> {
    const query = new URLSearchParams({
      ...(container ? { container } : {}),
      ...(options.tail ? { tailLines: String(options.tail) } : {}),
      ...(options.sinceSeconds ? { sinceSeconds: String(options.sinceSeconds) } : {}),
      ...(options.timestamps ? { timestamps: 'true' } : {}),
    })
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?${query}`
    return (await this.raw('GET', path, { doing: `reading the log of ${namespace}/${name}` })).body
  }

  /** What the API server's clock says, to the second. */
  async clock(): Promise<Date> {
    const doing = 'reading the clock of the API server'
    const { headers } = await this.calls.call({ method: 'GET', path: '/version', doing })
    return new Date(String(headers.date))
  }

  /**
   * Follows a container's log, line by line, until the server ends it or `stop` aborts.
   * @throws ApiRefusal where the server refuses
   */
  async *followLog(
    { name, namespace, container }: { name: string; namespace: string; container?: string },
    { since, sinceSeconds, timestamps }: LogStart,
    stop: AbortSignal,
  ): AsyncGenerator<string> {
    const query = new URLSearchParams({
      follow: 'true',
      ...(sinceSeconds === undefined ? {} : { sinceSeconds: String(sinceSeconds) }),
      ...(since ? { sinceTime: since } : {}),
      ...(timestamps ? { timestamps: 'true' } : {}),
      ...(container ? { container } : {}),
    })
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?${query}`
    yield* linesOf(await this.calls.stream(path, `following the log of ${namespace}/${name}`, stop))
  }

  /** GETs a path of the API server that answers JSON. */
  json<T>(path: string): Promise<T> {
    return this.calls.json<T>({ method: 'GET', path })
  }

  /**
   * A request to any path of the API server, the pod proxy's among them. `within` is in milliseconds.
   * @throws ApiRefusal for an answer of 400 and above, in the server's words
   */
  raw(method: ApiCall['method'], path: string, options: RawOptions = {}): Promise<{ status: number; body: string }> {
    return this.calls.call({ method, path, ...options })
  }

  /**
   * The path of an object in the API, or of its collection where `name` is empty; found by discovery.
   * @throws StackFailure where the cluster does not serve the kind
   */
  async path({ kind, name, namespace }: ObjectId): Promise<string> {
    const { apiVersion, kind: bare } = splitKind(kind)
    const resource = await this.served.resource(apiVersion, bare)
    if (!resource) {
      throw new StackFailure(
        `The cluster does not serve ${bare} of ${apiVersion}: its CRD is missing, or its component is not installed.`,
      )
    }
    const scope = resource.namespaced && namespace ? `/namespaces/${namespace}` : ''
    return `${rootOf(apiVersion)}${scope}/${resource.name}${name ? `/${encodeURIComponent(name)}` : ''}`
  }

  async #send(
    method: 'POST' | 'PATCH',
    path: string,
    body: object,
    contentType: string,
    doing: string,
  ): Promise<KubernetesObject> {
    return withoutManagers(await this.calls.json({ method, path, body: JSON.stringify(body), contentType, doing }))
  }
}
