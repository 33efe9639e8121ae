import type { StackConfig } from '../config/stack-schema.ts'
import { RUN_LABEL } from '../config/run-info.ts'
import type { KubernetesObject } from '../core/object.ts'
import { ClusterProblem, NotLookedAt } from '../core/problem.ts'
import { PromiseCache } from '../core/promise-cache.ts'
import { statusOf } from '../kube/errors.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { splitKind, type KindName } from '../kube/object-id.ts'
import { KNOWN_KINDS } from './served.ts'

/** What a survey is read by: the API, and the stack file for what it overrides. */
export interface SurveyContext {
  k8s: Kubernetes
  config: StackConfig
  signal: AbortSignal
}

/** What several parts of a survey read: each LIST once. Objects of Plumbline's own runs are left out. */
export class Readings {
  readonly k8s: Kubernetes
  readonly config: StackConfig
  readonly signal: AbortSignal
  readonly #lists = new PromiseCache<KubernetesObject[]>()

  constructor({ k8s, config, signal }: SurveyContext) {
    this.k8s = k8s
    this.config = config
    this.signal = signal
  }

  /**
   * All objects of a kind, in the cluster or one namespace; none where the kind is not served.
   * @throws NotLookedAt where we may not list them
   */
  list(kind: KindName, namespace?: string): Promise<KubernetesObject[]> {
    return this.#lists.get(`${kind} ${namespace ?? ''}`, async () => {
      const { apiVersion, kind: bare } = splitKind(kind)
      if (!(await this.k8s.served.resource(apiVersion, bare))) return []
      const { items } = await this.looking(() => this.k8s.list(kind, { namespace, signal: this.signal }))
      return items.filter(({ metadata }) => !metadata?.labels?.[RUN_LABEL])
    })
  }

  /** As `list`, of a kind of served.ts ('networking.istio.io/Gateway') in the newest served version that we know. */
  async listServed(groupKind: string, namespace?: string): Promise<KubernetesObject[]> {
    const version = await this.versionOf(groupKind)
    const [group, kind] = groupKind.split('/')
    return version ? this.list(`${group}/${version}/${kind}`, namespace) : []
  }

  /** The newest served version that we know of a kind of served.ts, or undefined where it is not served. */
  async versionOf(groupKind: string): Promise<string | undefined> {
    const [group = '', kind = ''] = groupKind.split('/')
    const served = (await this.k8s.served.groups()).find(({ name }) => name === group)?.versions ?? []
    const known = (KNOWN_KINDS[groupKind] ?? []).filter((each) => served.some(({ version }) => version === each))
    for (const version of known) if (await this.k8s.served.resource(`${group}/${version}`, kind)) return version
    return undefined
  }

  /** One object out of `list`, or undefined where it is not there. */
  async find(kind: KindName, name: string, namespace?: string): Promise<KubernetesObject | undefined> {
    return (await this.list(kind, namespace)).find(
      ({ metadata }) => metadata?.name === name && (!namespace || metadata.namespace === namespace),
    )
  }

  /** Does a read; a refusal for want of rights says which are missing. @throws NotLookedAt for it */
  async looking<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (problem) {
      const status = statusOf(problem) ?? statusOf((problem as Error).cause)
      if (problem instanceof ClusterProblem && status?.code === 403)
        throw new NotLookedAt(forbidden(status.message ?? ''), { cause: problem })
      throw problem
    }
  }
}

/** What the API server says of missing rights as 'may not list pods in all namespaces'. */
function forbidden(message: string): string {
  const said = /cannot (\w+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?/.exec(message)
  if (!said) return `may not look: ${message}`
  const [, verb, resource, group, namespace] = said
  const where = namespace ? `in namespace ${namespace}` : 'in all namespaces'
  return `may not ${verb} ${resource}${group ? `.${group}` : ''} ${where}`
}
