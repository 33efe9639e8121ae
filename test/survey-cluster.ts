import { stackSchema } from '../src/config/stack-schema.ts'
import type { KubernetesObject } from '../src/core/object.ts'
import { ClusterProblem } from '../src/core/problem.ts'
import { ApiRefusal } from '../src/kube/errors.ts'
import type { Kubernetes } from '../src/kube/kubernetes.ts'
import { splitKind } from '../src/kube/object-id.ts'
import type { SurveyContext } from '../src/survey/readings.ts'

/** A cluster to survey: its objects, the resources that may not be listed, what a dry run answers. */
export interface SurveyedCluster {
  objects?: KubernetesObject[]
  /** By plural, as 'pods'. */
  forbidden?: string[]
  dryCreate?: (object: KubernetesObject) => KubernetesObject
  stack?: object
}

/** What a survey is read by, of a cluster in memory that serves the kinds of its objects and the built-in ones. */
export function surveyContext({
  objects = [],
  forbidden = [],
  dryCreate = (object) => object,
  stack = {},
}: SurveyedCluster): SurveyContext {
  const pluralOf = (kind: string) => `${kind.toLowerCase()}${kind.endsWith('s') ? 'es' : 's'}`
  const groupsOf = () => [
    ...new Set(objects.map(({ apiVersion = '' }) => apiVersion).filter((each) => each.includes('/'))),
  ]
  const list = (kind: string, { namespace }: { namespace?: string } = {}) => {
    const { apiVersion, kind: bare } = splitKind(kind)
    const plural = pluralOf(bare)
    if (forbidden.includes(plural)) return Promise.reject(refusal(plural, apiVersion))
    const items = objects.filter(
      (each) =>
        each.apiVersion === apiVersion && each.kind === bare && (!namespace || each.metadata?.namespace === namespace),
    )
    return Promise.resolve({ items, resourceVersion: '1' })
  }
  const k8s = {
    list,
    json: () => Promise.resolve({ gitVersion: 'v1.34.4' }),
    clock: () => Promise.resolve(new Date('2026-01-01T00:00:00Z')),
    dryCreate: (object: KubernetesObject) => Promise.resolve().then(() => dryCreate(object)),
    served: {
      resource: (_: string, kind: string) => Promise.resolve({ name: pluralOf(kind), kind, namespaced: true }),
      groups: () =>
        Promise.resolve(
          groupsOf().map((each) => ({ name: each.split('/')[0], versions: [{ version: each.split('/')[1] }] })),
        ),
    },
  }
  return {
    k8s: k8s as unknown as Kubernetes,
    config: stackSchema.parse(stack),
    signal: new AbortController().signal,
  }
}

/** What the API layer throws for a LIST without the rights for it. */
function refusal(plural: string, apiVersion: string): ClusterProblem {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
  const message =
    `${plural} is forbidden: User "jane" cannot list resource "${plural}" ` +
    `in API group "${group}" at the cluster scope`
  const cause = new ApiRefusal('GET', { code: 403, message })
  return new ClusterProblem(`No rights: jane may not list ${plural}`, { cause })
}
