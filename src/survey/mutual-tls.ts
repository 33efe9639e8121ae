import { selectedByService } from '../kube/selector.ts'
import { found, lookFor, type Fact } from './fact.ts'
import type { Readings } from './readings.ts'
import type { Istiod, Labels, MutualTls, MutualTlsMode, PeerPolicy } from './survey.ts'
import type { KubernetesObject } from '../core/object.ts'

const PEER_AUTHENTICATION = 'security.istio.io/PeerAuthentication'

/** The PeerAuthentications of the cluster; which of them is of the whole mesh depends on the root namespace. */
export const readMutualTls = (readings: Readings, istiod: Promise<Istiod | undefined>): Promise<Fact<MutualTls>> =>
  lookFor('mutual TLS', async () => {
    const policies = (await readings.listServed(PEER_AUTHENTICATION)).map(policyOf)
    // Without an istiod nothing is in force; the name is that of Istio's own default.
    const rootNamespace = (await istiod)?.rootNamespace ?? 'istio-system'
    return found({ rootNamespace, policies }, 'LIST peerauthentications.security.istio.io')
  })

interface Mtls {
  mode?: string
}

const modeOf = (mtls: Mtls | undefined): MutualTlsMode | undefined => {
  const { mode } = mtls ?? {}
  return mode === 'STRICT' || mode === 'PERMISSIVE' || mode === 'DISABLE' ? mode : undefined
}

function policyOf({ metadata, spec }: KubernetesObject): PeerPolicy {
  const mode = modeOf(spec?.mtls as Mtls | undefined)
  const selector = (spec?.selector?.matchLabels ?? {}) as Labels
  const ports = Object.entries((spec?.portLevelMtls ?? {}) as Record<string, Mtls>).flatMap(([port, mtls]) => {
    const ofPort = modeOf(mtls)
    return ofPort ? [[port, ofPort] as const] : []
  })
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    ...(mode ? { mode } : {}),
    ...(Object.keys(selector).length ? { selector } : {}),
    ports: Object.fromEntries(ports),
    createdAt: String(metadata?.creationTimestamp ?? ''),
  }
}

/**
 * The mode of mutual TLS that is in force for a pod, on one of its ports where given, as istiod composes it
 * (istio/istio, pilot/pkg/security/authn/policy_applier.go, ComposePeerAuthentication). Of several policies of one
 * reach the oldest wins. A mode that is not set is that of the next wider one, and a selector in the root namespace
 * selects nothing.
 */
export function modeFor(
  { rootNamespace, policies }: MutualTls,
  pod: { namespace: string; labels: Labels },
  port?: number,
): MutualTlsMode {
  const byAge = policies.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt) || a.name.localeCompare(b.name))
  const ofAll = (namespace: string) =>
    byAge.find((policy) => policy.namespace === namespace && policy.selector === undefined)
  const mesh = ofAll(rootNamespace)
  const namespace = pod.namespace === rootNamespace ? undefined : ofAll(pod.namespace)
  const workload =
    pod.namespace === rootNamespace
      ? undefined
      : byAge.find(
          (policy) =>
            policy.namespace === pod.namespace && policy.selector && selectedByService(policy.selector, pod.labels),
        )
  const ofPort = port === undefined ? undefined : workload?.ports[port]
  return ofPort ?? workload?.mode ?? namespace?.mode ?? mesh?.mode ?? 'PERMISSIVE'
}
