import type { KubernetesObject } from '../core/object.ts'
import { selectedByService } from '../kube/selector.ts'
import { meshConfig } from '../mesh/mesh-config.ts'
import { theIstiod } from '../survey/surveyed.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { servedKind } from '../cluster/served.ts'

// Providers that need no definition: istio/istio, pilot/pkg/model/telemetry.go.
const BUILT_IN = ['envoy', 'prometheus', 'stackdriver', 'envoy_ext_authz']

interface Section {
  providers?: { name: string }[]
}

interface TargetRef {
  group?: string
  kind?: string
  name?: string
}

/** What is wrong with one Telemetry. */
export interface TelemetryTrouble {
  namespace: string
  text: string
}

/** All Telemetry resources, in the newest version that is served. */
export async function telemetriesOf(cluster: Cluster): Promise<KubernetesObject[]> {
  return cluster.all(await servedKind(cluster, 'telemetry.istio.io/Telemetry'))
}

/** A sentence for each Telemetry resource that has no effect, and the number of all Telemetry resources. */
export async function telemetryTroubles(cluster: Cluster): Promise<{ troubles: TelemetryTrouble[]; count: number }> {
  const telemetries = await telemetriesOf(cluster)
  const { extensionProviders = [] } = await meshConfig(cluster)
  const { rootNamespace } = await theIstiod(cluster)
  const known = [...BUILT_IN, ...extensionProviders.map(({ name }) => name)]
  const pods = await cluster.all('v1/Pod')
  const troubles = telemetries.flatMap((telemetry) => {
    const { name, namespace = '' } = telemetry.metadata ?? {}
    const sections = ['accessLogging', 'tracing', 'metrics'].flatMap(
      (kind) => (telemetry.spec?.[kind] ?? []) as Section[],
    )
    const unknownProviders = sections
      .flatMap(({ providers = [] }) => providers.map((provider) => provider.name))
      .filter((provider) => !known.includes(provider))
    const selectsPod = pods.some((pod) => appliesTo(telemetry, pod, rootNamespace))
    const texts = [
      ...unknownProviders.map((provider) => `meshConfig.extensionProviders has no provider ${provider}`),
      ...(selectsPod ? [] : ['selects no pod']),
    ]
    return texts.map((text) => ({ namespace, text: `Telemetry ${namespace}/${name}: ${text}` }))
  })
  return { troubles, count: telemetries.length }
}

/**
 * Whether a Telemetry is for a pod: in its namespace or in the root namespace, and by a label selector or, of a gateway
 * of the Gateway API, by that gateway's name. One for a Service or a GatewayClass is for waypoints, whose pods its
 * labels do not tell.
 */
export function appliesTo({ metadata, spec }: KubernetesObject, pod: KubernetesObject, root: string): boolean {
  const { namespace, labels = {} } = pod.metadata ?? {}
  if (metadata?.namespace !== root && metadata?.namespace !== namespace) return false
  const targets = (spec?.targetRefs ?? (spec?.targetRef ? [spec.targetRef] : [])) as TargetRef[]
  if (targets.length) {
    return targets.some(
      ({ kind, name }) => kind !== 'Gateway' || labels['gateway.networking.k8s.io/gateway-name'] === name,
    )
  }
  const selector = (spec?.selector?.matchLabels ?? {}) as Record<string, string>
  return Object.keys(selector).length === 0 || selectedByService(selector, labels)
}
