import type { KubernetesObject } from '../core/object.ts'
import { selects, type LabelSelector } from '../kube/selector.ts'
import { absent, found, lookFor, valueOr, type Fact } from './fact.ts'
import { istiodName } from './gateway-istiod.ts'
import type { Readings } from './readings.ts'
import type { Gateway, Injection, Istiod, Labels } from './survey.ts'

interface Webhook {
  name: string
  namespaceSelector?: LabelSelector
  objectSelector?: LabelSelector
  clientConfig?: { service?: { namespace?: string; name?: string }; url?: string }
}

/** A webhook of Istio's that injects sidecars, and the configuration that it is of. */
interface Injector {
  webhook: Webhook
  configuration: KubernetesObject
}

/**
 * The labels that give a fresh namespace the sidecar of the certified gateway's istiod: found by trying them on the
 * selectors of the injection webhooks. With a revision the right value may be a tag, and each istiod has its own.
 */
export const readInjection = (
  readings: Readings,
  istiods: Promise<Fact<Istiod[]>>,
  gateways: Promise<Fact<Gateway[]>>,
): Promise<Fact<Injection>> =>
  lookFor('sidecar injection', async () => {
    const configurations = await readings.list('admissionregistration.k8s.io/v1/MutatingWebhookConfiguration')
    const certified = valueOr(await gateways, []).find(({ role }) => role === 'certified')
    const wanted = certified && valueOr(certified.istiod, undefined)
    return injectionBy(configurations, valueOr(await istiods, []), wanted)
  })

/** As readInjection, by the webhook configurations. `wanted` is an istiod; any where not given. */
export function injectionBy(
  configurations: readonly KubernetesObject[],
  istiods: readonly Istiod[],
  wanted: string | undefined,
): Fact<Injection> {
  const injectors = configurations.flatMap((configuration) =>
    ((configuration.webhooks ?? []) as Webhook[])
      .filter(({ name }) => name.endsWith('sidecar-injector.istio.io'))
      .map((webhook): Injector => ({ webhook, configuration })),
  )
  if (injectors.length === 0)
    return absent('No MutatingWebhookConfiguration has a webhook sidecar-injector.istio.io: nothing injects sidecars.')
  const candidates: Labels[] = [
    {},
    { 'istio-injection': 'enabled' },
    ...istiods.flatMap(({ tags, revision }) => [...tags, revision].map((value) => ({ 'istio.io/rev': value }))),
  ]
  for (const labels of candidates) {
    for (const injector of injectors) {
      const istiod = istiodOf(injector, istiods)
      if (!istiod || (wanted !== undefined && istiod !== wanted) || !takes(injector.webhook, labels)) continue
      const { metadata } = injector.configuration
      const by = `MutatingWebhookConfiguration ${metadata?.name}: namespaceSelector of ${injector.webhook.name}`
      return found({ labels, istiod, byDefault: Object.keys(labels).length === 0 }, by)
    }
  }
  return absent(
    `No label of a namespace gives it a sidecar of ${wanted ? `the istiod ${wanted}` : 'an istiod'}: tried ` +
      candidates
        .slice(1)
        .map((labels) => Object.entries(labels).flat().join('='))
        .join(', '),
  )
}

/** Whether a webhook is called for a pod without labels in a namespace of ours with these labels. */
const takes = ({ namespaceSelector = {}, objectSelector = {} }: Webhook, labels: Labels): boolean =>
  selects(namespaceSelector, { 'kubernetes.io/metadata.name': 'plumb-injected', ...labels }) &&
  selects(objectSelector, {})

/** The istiod behind a webhook: in its Service's namespace, of the revision that the configuration is labelled with. */
function istiodOf({ webhook, configuration }: Injector, istiods: readonly Istiod[]): string | undefined {
  const namespace = webhook.clientConfig?.service?.namespace
  const here = istiods.filter(({ workload }) => workload.namespace === namespace)
  const revision = configuration.metadata?.labels?.['istio.io/rev']
  const one = here.find((each) => each.revision === revision) ?? (here.length === 1 ? here[0] : undefined)
  return one && istiodName(one)
}
