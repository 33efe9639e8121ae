import { parse } from 'yaml'
import type { KubernetesObject } from '../core/object.ts'
import { readKnativeGateways } from './config-istio.ts'
import { absent, found, lookFor, maybeValue, valueOr, type Fact } from './fact.ts'
import { knativeServingNamespace } from './knative-namespace.ts'
import { ownerOf } from './owner.ts'
import type { Readings } from './readings.ts'
import type { IngressLayer, KnativeFacts, Labels, Workload } from './survey.ts'
import { versionOfWorkload } from './version-of.ts'
import { workloadOf } from './workloads.ts'

const NAME = 'app.kubernetes.io/name'
const COMPONENT = 'app.kubernetes.io/component'
const PROVIDER = 'networking.knative.dev/ingress-provider'
/** Deployments that no manifest and no operator gives another name; for versions whose labels are others. */
const USUAL_NAMES = ['activator', 'autoscaler', 'autoscaler-hpa', 'controller', 'webhook', 'domain-mapping']

/** Knative Serving as it is installed and set: where it is, its components, its ingress layer, its domains. */
export const readKnative = (readings: Readings): Promise<Fact<KnativeFacts>> =>
  lookFor('Knative Serving', async () => {
    const where = await knativeServingNamespace(readings)
    const namespace = maybeValue(where)
    if (namespace === undefined) return where as Fact<never>
    const [deployments, maps, instances, gateways] = await Promise.all([
      readings.list('apps/v1/Deployment'),
      readings.list('v1/ConfigMap', namespace),
      readings.listServed('operator.knative.dev/KnativeServing').catch(() => [] as KubernetesObject[]),
      readKnativeGateways(readings),
    ])
    const parts = componentsOf(deployments, namespace)
    const controller = parts.get('controller')
    const serving = instances.find(({ metadata }) => metadata?.namespace === namespace)
    const owner = controller && ownerOf(controller)
    const network = settingsOf(maps, 'config-network')
    const { layer, ingressClass } = ingressOf(network, namespace)
    return found(
      {
        namespace,
        version: controller
          ? versionOfWorkload(controller)
          : absent<string>(`Deployment ${namespace}/controller of Knative does not exist.`),
        ...(serving ? { serving: { namespace, name: serving.metadata?.name ?? '' } } : {}),
        ...(owner ? { owner } : {}),
        components: await workloadsOf(parts, readings),
        ingress: layer,
        ingressClass,
        otherIngresses: layersOf(deployments).filter((each) => each !== valueOr(layer, undefined)),
        domains: domainsOf(settingsOf(maps, 'config-domain')),
        domainTemplate: network['domain-template'] ?? network.domainTemplate ?? '{{.Name}}.{{.Namespace}}.{{.Domain}}',
        tagTemplate: network['tag-template'] ?? network.tagTemplate ?? '{{.Tag}}-{{.Name}}',
        ...urlsOf(network),
        gateways,
      },
      (where as { by: string }).by,
    )
  })

/** The settings in one of the ConfigMaps, without `_example`, which Knative ignores. */
const settingsOf = (maps: readonly KubernetesObject[], name: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries((maps.find(({ metadata }) => metadata?.name === name)?.data ?? {}) as Record<string, string>).filter(
      ([key]) => key !== '_example',
    ),
  )

/** Whether a Deployment is a part of Knative Serving: Eventing may be in the same namespace. */
function isOfServing({ metadata }: KubernetesObject): boolean {
  const { labels = {}, name = '' } = metadata ?? {}
  const application = labels['app.kubernetes.io/part-of'] ?? labels[NAME]
  if (labels[PROVIDER] || labels['serving.knative.dev/release']) return true
  if (application) return application === 'knative-serving' || labels[NAME] === 'knative-serving'
  return USUAL_NAMES.includes(name)
}

/** Knative's Deployments by what they are. An ingress layer has several under one label: their containers tell. */
export function componentsOf(
  deployments: readonly KubernetesObject[],
  namespace: string,
): Map<string, KubernetesObject> {
  const own = deployments.filter((each) => each.metadata?.namespace === namespace && isOfServing(each))
  return new Map(
    own.map((deployment) => {
      const { labels = {}, name = '' } = deployment.metadata ?? {}
      const component = labels[COMPONENT]
      if (!component) return [name, deployment]
      const container = String(deployment.spec?.template?.spec?.containers?.[0]?.name ?? '')
      return [component.startsWith('net-') ? `${component}-${container}` : component, deployment]
    }),
  )
}

async function workloadsOf(
  parts: ReadonlyMap<string, KubernetesObject>,
  readings: Readings,
): Promise<Record<string, Workload>> {
  const workloads = await Promise.all(
    [...parts].map(async ([component, deployment]) => [component, await workloadOf(deployment, readings)] as const),
  )
  return Object.fromEntries(workloads)
}

/** net-istio's class, which Knative takes where none is set (knative.dev/networking, pkg/config). */
const USUAL_CLASS = 'istio.ingress.networking.knative.dev'

const LAYERS: readonly IngressLayer[] = ['istio', 'gateway-api', 'kourier', 'contour']

/** The ingress layer that serves a Service without an annotation. */
function ingressOf(
  network: Record<string, string>,
  namespace: string,
): { layer: Fact<IngressLayer>; ingressClass: string } {
  const set = network['ingress-class'] ?? network['ingress.class']
  const ingressClass = set ?? USUAL_CLASS
  const by = `ConfigMap ${namespace}/config-network: ingress-class${set === undefined ? ' is not set' : ''}`
  const layer = LAYERS.find((each) => ingressClass === `${each}.ingress.networking.knative.dev`)
  return { layer: found(layer ?? 'other', by), ingressClass }
}

/** The ingress layers of Knative whose controllers are in the cluster. */
const layersOf = (deployments: readonly KubernetesObject[]): IngressLayer[] =>
  LAYERS.filter((layer) =>
    deployments.some(({ metadata }) => {
      const provider = metadata?.labels?.[PROVIDER]
      return provider === layer || provider === `net-${layer}` || metadata?.labels?.[COMPONENT] === `net-${layer}`
    }),
  )

/** The domains of config-domain with the labels that a Service needs for each; none are the default's. */
const domainsOf = (settings: Record<string, string>): Record<string, Labels> =>
  Object.fromEntries(Object.entries(settings).map(([domain, text]) => [domain, selectorIn(text)]))

function selectorIn(text: string): Labels {
  try {
    return ((parse(text) as { selector?: Labels } | null)?.selector ?? {}) satisfies Labels
  } catch {
    // Knative refuses such a map; the webhook does not let one in.
    return {}
  }
}

/** What config-network says of the URLs; a new name of a key wins over its old one, and case does not matter. */
function urlsOf(network: Record<string, string>): Pick<KnativeFacts, 'scheme' | 'httpProtocol' | 'externalDomainTls'> {
  const value = (...keys: string[]) =>
    keys
      .map((key) => network[key])
      .find((each) => each !== undefined)
      ?.toLowerCase()
  const externalDomainTls = value('external-domain-tls', 'auto-tls', 'autoTLS') === 'enabled'
  const scheme = value('default-external-scheme', 'defaultExternalScheme')
  const http = value('http-protocol', 'httpProtocol')
  return {
    externalDomainTls,
    scheme: externalDomainTls || scheme === 'https' ? 'https' : 'http',
    httpProtocol: http === 'disabled' || http === 'redirected' ? http : 'enabled',
  }
}
