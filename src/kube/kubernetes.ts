import { createInterface } from 'node:readline'
import { CoreV1Api } from '@kubernetes/client-node'
import { request, type Dispatcher } from 'undici'
import { deadline } from '../core/deadlines.ts'
import { timeLimit } from '../core/time-limit.ts'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { currentScope } from '../core/scope.ts'
import { Discovery, rootOf } from './discovery.ts'
import { ApiRefusal, parseStatus, plainProblem, statusOf } from './errors.ts'
import type { SharedKubeConfig } from './connection.ts'

/** A kind with its API version, as a manifest has them: 'v1/Service', 'apps/v1/Deployment'. */
export type KindName = string

/** The name under which Plumbline owns fields of objects that it applies. */
const FIELD_MANAGER = 'plumbline'

export interface ObjectId {
  kind: KindName
  name: string
  namespace?: string | undefined
}

/** From where a log is followed: a moment (RFC 3339, to the second), or its beginning; with a timestamp before each line. */
export interface LogStart {
  since?: string | undefined
  timestamps?: boolean
}

/** What a request to any path of the API server may carry; `within` is in milliseconds, `doing` names it in a problem. */
export interface RawOptions {
  body?: string
  contentType?: string
  /** Headers besides those of the credentials: the pod proxy passes them on. */
  headers?: Record<string, string>
  within?: number
  doing?: string
}

/** Splits 'apps/v1/Deployment' into { apiVersion: 'apps/v1', kind: 'Deployment' }. */
export function splitKind(name: KindName): { apiVersion: string; kind: string } {
  const at = name.lastIndexOf('/')
  return { apiVersion: name.slice(0, at), kind: name.slice(at + 1) }
}

export const kindOf = (object: KubernetesObject): KindName => `${object.apiVersion ?? ''}/${object.kind ?? ''}`

/** 'Service default/hello', as every message names an object. */
export const objectName = (object: KubernetesObject): string =>
  `${object.kind ?? 'object'} ${object.metadata?.namespace ? `${object.metadata.namespace}/` : ''}${object.metadata?.name ?? '?'}`

const nameOfId = ({ kind, name, namespace }: ObjectId): string =>
  `${splitKind(kind).kind} ${namespace ? `${namespace}/` : ''}${name}`

/**
 * The Kubernetes API of one cluster, for objects of any kind. Objects go in and come out as a manifest has them: client-node's
 * typed models rename and drop fields that they do not know (a CRD's x-kubernetes-* among them).
 * What it throws is a sentence for people: ClusterProblem where the API could not be asked, StackFailure where an object or a
 * kind is missing, ApiRefusal with the server's own words where a request was refused.
 */
export class Kubernetes {
  readonly config: SharedKubeConfig
  readonly server: string
  /** What the cluster serves. */
  readonly served: Discovery
  readonly #core: CoreV1Api

  constructor(config: SharedKubeConfig) {
    this.config = config
    this.server = config.getCurrentCluster()?.server ?? ''
    this.#core = config.makeApiClient(CoreV1Api)
    this.served = new Discovery((path) => this.json(path))
  }

  /** Reads one object, or gives undefined where it is not there. */
  async find(kind: KindName, name: string, namespace?: string): Promise<KubernetesObject | undefined> {
    try {
      const object = await this.json<KubernetesObject>(await this.path({ kind, name, namespace }))
      currentScope()?.touch(object)
      return object
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

  /** LISTs a kind, in one namespace or all. `labels` and `fields` are selectors. */
  async list(
    kind: KindName,
    options: { namespace?: string | undefined; labels?: string; fields?: string } = {},
  ): Promise<{ items: KubernetesObject[]; resourceVersion: string }> {
    const scope = currentScope()
    if (scope) scope.lists++
    const query = new URLSearchParams({
      ...(options.labels ? { labelSelector: options.labels } : {}),
      ...(options.fields ? { fieldSelector: options.fields } : {}),
    })
    const path = await this.path({ kind, name: '', namespace: options.namespace })
    const answer = await this.json<{ items: KubernetesObject[] | null; metadata: { resourceVersion: string } }>(
      `${path}?${query}`,
    )
    // The items of a list leave out what the list itself says; an object would not be complete without.
    const items = (answer.items ?? []).map((item) => ({ ...splitKind(kind), ...item }))
    return { items, resourceVersion: answer.metadata.resourceVersion }
  }

  /**
   * Server-side apply under our own field manager. With `dryRun` the server validates and admits, and stores nothing.
   * Unknown fields are refused.
   * @throws ApiRefusal where the API server, a schema or a webhook refuses
   */
  async apply(object: KubernetesObject, options: { dryRun?: boolean } = {}): Promise<KubernetesObject> {
    const path = await this.path(idOf(object))
    const query = `fieldManager=${FIELD_MANAGER}&force=true&fieldValidation=Strict${options.dryRun ? '&dryRun=All' : ''}`
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
      await this.raw(
        'DELETE',
        `${await this.path(id)}?propagationPolicy=Background${graceSeconds === undefined ? '' : `&gracePeriodSeconds=${graceSeconds}`}`,
      )
    } catch (problem) {
      if (statusOf(problem)?.code !== 404) throw problem
    }
  }

  /** Deletes every pod of a namespace without its grace period. For namespaces of our own only. */
  async deletePodsNow(namespace: string): Promise<void> {
    await this.#plain(`deleting the pods of ${namespace}`, () =>
      this.#core.deleteCollectionNamespacedPod({ namespace, gracePeriodSeconds: 0 }),
    )
  }

  /**
   * Evicts one pod by the eviction API, which asks PodDisruptionBudgets.
   * @throws ApiRefusal with status code 429 where a budget forbids it
   */
  async evict(name: string, namespace: string): Promise<void> {
    await this.#plain(`evicting pod ${namespace}/${name}`, () =>
      this.#core.createNamespacedPodEviction({ name, namespace, body: { metadata: { name, namespace } } }),
    )
  }

  /** The end of a container's log: at most `tail` lines, of the last `sinceSeconds`. */
  async log(
    { name, namespace, container }: { name: string; namespace: string; container?: string },
    options: { tail?: number; sinceSeconds?: number } = {},
  ): Promise<string> {
    const query = new URLSearchParams({
      ...(container ? { container } : {}),
      ...(options.tail ? { tailLines: String(options.tail) } : {}),
      ...(options.sinceSeconds ? { sinceSeconds: String(options.sinceSeconds) } : {}),
    })
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?${query}`
    return (await this.raw('GET', path, { doing: `reading the log of ${namespace}/${name}` })).body
  }

  /** What the API server's clock says, to the second. */
  async clock(): Promise<Date> {
    const { headers } = await this.#plain('reading the clock of the API server', async () => {
      const dispatcher = await this.config.dispatcher()
      const answer = await request(`${this.server.replace(/\/$/, '')}/version`, {
        headers: await this.config.headers(),
        ...(dispatcher ? { dispatcher } : {}),
      })
      await answer.body.dump()
      return answer
    })
    return new Date(String(headers.date))
  }

  /**
   * Follows a container's log from so many seconds ago (or a moment), line by line, until the server ends it or `stop` aborts.
   * @throws ApiRefusal where the server refuses
   */
  async *followLog(
    { name, namespace, container }: { name: string; namespace: string; container?: string },
    from: number | LogStart,
    stop: AbortSignal,
  ): AsyncGenerator<string> {
    const query = new URLSearchParams({
      follow: 'true',
      ...(typeof from === 'number' ? { sinceSeconds: String(from) } : {}),
      ...(typeof from === 'object' && from.since ? { sinceTime: from.since } : {}),
      ...(typeof from === 'object' && from.timestamps ? { timestamps: 'true' } : {}),
      ...(container ? { container } : {}),
    })
    const dispatcher = await this.config.dispatcher()
    const doing = `following the log of ${namespace}/${name}`
    const answer = await this.#plain(doing, async () =>
      request(`${this.server.replace(/\/$/, '')}/api/v1/namespaces/${namespace}/pods/${name}/log?${query}`, {
        headers: await this.config.headers(),
        signal: stop,
        // A log may be silent for as long as it likes.
        bodyTimeout: 0,
        ...(dispatcher ? { dispatcher } : {}),
      }),
    )
    if (answer.statusCode >= 400) throw new ApiRefusal(doing, parseStatus(answer.statusCode, await answer.body.text()))
    yield* createInterface({ input: answer.body })
  }

  /** GETs a path of the API server that answers JSON. */
  async json<T>(path: string): Promise<T> {
    return JSON.parse((await this.raw('GET', path)).body) as T
  }

  /**
   * A request to any path of the API server, the pod proxy's among them. `within` is in milliseconds.
   * @throws ApiRefusal for an answer of 400 and above, in the server's words
   */
  async raw(
    method: Dispatcher.HttpMethod,
    path: string,
    options: RawOptions = {},
  ): Promise<{ status: number; body: string }> {
    const doing = options.doing ?? `${method} ${path.split('?')[0] ?? path}`
    return this.#plain(doing, async () => {
      const dispatcher = await this.config.dispatcher()
      using limit = timeLimit(options.within ?? deadline('apiCall'), currentScope()?.signal)
      const answer = await request(this.server.replace(/\/$/, '') + path, {
        method,
        headers: {
          ...(await this.config.headers()),
          accept: 'application/json, */*;q=0.8',
          ...(options.body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }),
          ...options.headers,
        },
        body: options.body ?? null,
        signal: limit.signal,
        ...(dispatcher ? { dispatcher } : {}),
      })
      const text = await answer.body.text()
      if (answer.statusCode >= 400) throw new ApiRefusal(doing, parseStatus(answer.statusCode, text))
      return { status: answer.statusCode, body: text }
    })
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
    const answer = await this.raw(method, path, { body: JSON.stringify(body), contentType, doing })
    return JSON.parse(answer.body) as KubernetesObject
  }

  async #plain<T>(doing: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (problem) {
      throw plainProblem(problem, doing, this.server)
    }
  }
}

function idOf(object: KubernetesObject): ObjectId {
  return { kind: kindOf(object), name: object.metadata?.name ?? '', namespace: object.metadata?.namespace }
}
