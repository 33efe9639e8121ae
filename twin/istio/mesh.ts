import { parse } from 'yaml'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { hasLabels, selects } from '../api/selectors.ts'

const ISTIO_SYSTEM = 'istio-system'

const KINDS = {
  gateways: 'gateways.networking.istio.io',
  virtualServices: 'virtualservices.networking.istio.io',
  destinationRules: 'destinationrules.networking.istio.io',
  envoyFilters: 'envoyfilters.networking.istio.io',
  authorizationPolicies: 'authorizationpolicies.security.istio.io',
  peerAuthentications: 'peerauthentications.security.istio.io',
  telemetries: 'telemetries.telemetry.istio.io',
} as const

/** The resources whose changes istiod pushes. Their Services' ports count too. */
export const PUSHED = [...Object.values(KINDS), 'services', 'secrets', 'configmaps']

/** Istio's configuration as istiod last read it: what it pushes to a proxy. Older objects come first, as they win. */
export type MeshSnapshot = Record<keyof typeof KINDS, KubeObject[]> & { services: KubeObject[]; mesh: string }

export function readMesh(objects: Objects): MeshSnapshot {
  const byAge = (resource: string) =>
    (objects.resources.byId(resource) ? objects.list(resource) : []).toSorted(
      (a, b) => Number(creation(a)) - Number(creation(b)),
    )
  return {
    ...(Object.fromEntries(Object.entries(KINDS).map(([name, resource]) => [name, byAge(resource)])) as Record<
      keyof typeof KINDS,
      KubeObject[]
    >),
    services: objects.list('services'),
    mesh: String(objects.get('configmaps', 'istio', ISTIO_SYSTEM)?.data?.mesh ?? ''),
  }
}

/** The mesh configuration with istiod's defaults, as /debug/mesh shows it. */
export const meshInUse = ({ mesh }: MeshSnapshot): object => ({
  rootNamespace: ISTIO_SYSTEM,
  trustDomain: 'cluster.local',
  defaultConfig: { proxyAdminPort: 15000, statusPort: 15020, discoveryAddress: `istiod.${ISTIO_SYSTEM}.svc:15012` },
  enableAutoMtls: true,
  ...((parse(mesh) ?? {}) as object),
})

const creation = (object: KubeObject): number => new Date(object.metadata.creationTimestamp ?? 0).getTime()

interface Server {
  port: { number: number; name: string; protocol: string }
  hosts: string[]
  tls?: { mode?: string; credentialName?: string; httpsRedirect?: boolean; minProtocolVersion?: string }
}

/** One server of a Gateway as a proxy has it: on the port that its pod listens on. */
export interface GatewayServer extends Server {
  gateway: string
  namespace: string
  targetPort: number
}

/** The servers of all Gateways that select a pod. A Service's port of the same number is mapped to its target port. */
export function serversOf(snapshot: MeshSnapshot, pod: KubeObject): GatewayServer[] {
  const services = snapshot.services.filter(
    (each) =>
      each.metadata.namespace === pod.metadata.namespace &&
      hasLabels(each.spec.selector, pod.metadata.labels) &&
      !each.metadata.labels?.['experimental.istio.io/disable-gateway-port-translation'],
  )
  const targetOf = (number: number): number => {
    for (const service of services) {
      const port = ((service.spec.ports ?? []) as { port: number; targetPort?: number }[]).find(
        (each) => each.port === number,
      )
      if (port) return Number(port.targetPort ?? port.port)
    }
    return number
  }
  return snapshot.gateways
    .filter((gateway) => hasLabels(gateway.spec?.selector, pod.metadata.labels))
    .flatMap((gateway) =>
      ((gateway.spec.servers ?? []) as Server[]).map((server) => ({
        ...server,
        gateway: `${gateway.metadata.namespace}/${gateway.metadata.name}`,
        namespace: gateway.metadata.namespace ?? '',
        targetPort: targetOf(server.port.number),
      })),
    )
}

/** Whether an object of Istio applies to a workload: by its selector, its namespace, or the root namespace. */
export function concerns(object: KubeObject, pod: KubeObject): boolean {
  const { namespace } = object.metadata
  if (namespace !== ISTIO_SYSTEM && namespace !== pod.metadata.namespace) return false
  const selector = object.spec?.selector ?? object.spec?.workloadSelector
  return !selector || selects({ matchLabels: selector.matchLabels ?? selector.labels ?? {} }, pod.metadata.labels)
}

/**
 * The Telemetry resources in force for a workload: the mesh's, its namespace's, and all that select it; later ones
 * override. Of those without a selector only the oldest applies; of those with one the newest overrides
 * (pilot/pkg/model/telemetry.go).
 */
export function effectiveTelemetries(snapshot: MeshSnapshot, pod: KubeObject): KubeObject[] {
  const about = snapshot.telemetries.filter((each) => concerns(each, pod))
  const wide = (namespace: string | undefined) =>
    about.find((each) => !each.spec?.selector && each.metadata.namespace === namespace) ?? []
  const { namespace } = pod.metadata
  return [
    wide(ISTIO_SYSTEM),
    namespace === ISTIO_SYSTEM ? [] : wide(namespace),
    about.filter((each) => each.spec?.selector),
  ].flat()
}

/** Whether a host is meant by a pattern of a Gateway or VirtualService: exact, '*.example.com' or '*'. */
export const hostMatches = (pattern: string, host: string): boolean =>
  pattern === '*' || pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)))

/** The patterns that mean more come first: exact hosts, then longer suffixes. */
export const byMeaning = (a: string, b: string): number =>
  Number(a.startsWith('*')) - Number(b.startsWith('*')) || b.length - a.length
