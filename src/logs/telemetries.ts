import type { KubernetesObject } from '../core/object.ts'
import { meshConfig } from '../mesh/mesh-config.ts'
import type { Cluster } from '../cluster/cluster.ts'

// Providers that need no definition: istio/istio, pilot/pkg/model/telemetry.go.
const BUILT_IN = ['envoy', 'prometheus', 'stackdriver', 'envoy_ext_authz']

interface Section {
  providers?: { name: string }[]
}

/** A sentence for each Telemetry resource that has no effect, and the number of all Telemetry resources. */
export async function telemetryTroubles(cluster: Cluster): Promise<{ troubles: string[]; count: number }> {
  const telemetries = await cluster.all('telemetry.istio.io/v1alpha1/Telemetry')
  const { extensionProviders = [], rootNamespace = 'istio-system' } = await meshConfig(cluster)
  const known = [...BUILT_IN, ...extensionProviders.map(({ name }) => name)]
  const pods = await cluster.all('v1/Pod')
  const troubles = telemetries.flatMap((telemetry) => {
    const { name, namespace } = telemetry.metadata ?? {}
    const sections = ['accessLogging', 'tracing', 'metrics'].flatMap(
      (kind) => (telemetry.spec?.[kind] ?? []) as Section[],
    )
    const unknownProviders = sections
      .flatMap(({ providers = [] }) => providers.map((provider) => provider.name))
      .filter((provider) => !known.includes(provider))
    const selectsPod = pods.some((pod) => isSelected(telemetry, pod, rootNamespace))
    return [
      ...unknownProviders.map(
        (provider) => `Telemetry ${namespace}/${name}: meshConfig.extensionProviders has no provider ${provider}`,
      ),
      ...(selectsPod ? [] : [`Telemetry ${namespace}/${name}: selects no pod`]),
    ]
  })
  return { troubles, count: telemetries.length }
}

function isSelected({ metadata, spec }: KubernetesObject, pod: KubernetesObject, root: string): boolean {
  const labels = Object.entries((spec?.selector?.matchLabels ?? {}) as Record<string, string>)
  const isInScope = metadata?.namespace === root || metadata?.namespace === pod.metadata?.namespace
  return isInScope && labels.every(([key, value]) => pod.metadata?.labels?.[key] === value)
}
