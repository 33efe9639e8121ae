import type { KubeObject } from '../api/object.ts'
import { revised, type IstiodLayout } from './layout.ts'

type One = (
  name: string,
  service: [namespace: string, name: string, path: string],
  rules: object[],
  selectors?: object,
) => object
type Configured = (kind: string, name: string, all: object[]) => KubeObject

const missing = (key: string) => ({ key, operator: 'DoesNotExist' })
const within = (key: string, ...values: string[]) => ({ key, operator: 'In', values })
const outside = (key: string, ...values: string[]) => ({ key, operator: 'NotIn', values })
const [INJECTION, REVISION, INJECT] = ['istio-injection', 'istio.io/rev', 'sidecar.istio.io/inject']

/** The namespaces and pods that each entry of an injector's webhook is for, by the revision or tag that it serves. */
function entriesOf(served: string): [name: string, namespaces: object[], pods: object[]][] {
  const entries: [string, object[], object[]][] = [
    ['rev.namespace', [within(REVISION, served), missing(INJECTION)], [outside(INJECT, 'false')]],
    ['rev.object', [missing(REVISION), missing(INJECTION)], [outside(INJECT, 'false'), within(REVISION, served)]],
  ]
  // What asks for no revision is the default one's.
  if (served === 'default')
    entries.push(
      ['namespace', [within(INJECTION, 'enabled')], [outside(INJECT, 'false')]],
      ['object', [missing(INJECTION), missing(REVISION)], [within(INJECT, 'true'), missing(REVISION)]],
    )
  return entries
}

/** The injectors' webhooks: of each istiod, and of each tag that points at one. */
export function injectorConfigurations(
  istiods: readonly IstiodLayout[],
  one: One,
  configured: Configured,
): KubeObject[] {
  const injector = (istiod: IstiodLayout, name: string, served: string, labels: object): KubeObject => {
    const entries = entriesOf(served).map(([entry, namespaces, pods]) => ({
      ...one(
        `${entry}.sidecar-injector.istio.io`,
        [istiod.namespace, revised('istiod', istiod), '/inject'],
        [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: '*' }],
        { namespaceSelector: { matchExpressions: namespaces }, objectSelector: { matchExpressions: pods } },
      ),
      reinvocationPolicy: 'Never',
    }))
    const configuration = configured('Mutating', name, entries)
    return { ...configuration, metadata: { ...configuration.metadata, labels: { app: 'sidecar-injector', ...labels } } }
  }
  return istiods.flatMap((istiod) => {
    const { namespace, revision, tags } = istiod
    const suffix = namespace === 'istio-system' ? '' : `-${namespace}`
    const rev = revision || 'default'
    return [
      injector(istiod, `${revised('istio-sidecar-injector', istiod)}${suffix}`, rev, { [REVISION]: rev }),
      ...tags.map((tag) =>
        injector(istiod, `istio-revision-tag-${tag}${suffix}`, tag, { [REVISION]: rev, 'istio.io/tag': tag }),
      ),
    ]
  })
}
