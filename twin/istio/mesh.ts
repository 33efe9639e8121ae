import { parse } from 'yaml'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { hasLabels, selects, type LabelSelector } from '../api/selectors.ts'
import { revised, type IstiodLayout } from '../stack/layout.ts'

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
export type MeshSnapshot = Record<keyof typeof KINDS, KubeObject[]> & {
  services: KubeObject[]
  mesh: MeshConfig
  rootNamespace: string
  clusterDomain: string
  /** The revision of the istiod that read it. */
  revision: string
  /** Whether a namespace is one that istiod knows, by its discoverySelectors. */
  knows: (namespace: string | undefined) => boolean
}

/** The mesh configuration, as far as the twin heeds it. */
export interface MeshConfig {
  accessLogFile?: string
  accessLogEncoding?: string
  accessLogFormat?: string
  extensionProviders?: ({ name: string } & Record<string, unknown>)[]
  defaultProviders?: { accessLogging?: string[] }
  discoverySelectors?: LabelSelector[]
  rootNamespace?: string
  [field: string]: unknown
}

/** The mesh configuration in the ConfigMap of an istiod. */
export function meshConfigOf(objects: Objects, istiod: IstiodLayout): MeshConfig {
  const text = objects.get('configmaps', revised('istio', istiod), istiod.namespace)?.data?.mesh as string | undefined
  return (parse(text ?? '') ?? {}) as MeshConfig
}

/** What an istiod reads, to push it. */
export function readMesh(objects: Objects, istiod: IstiodLayout): MeshSnapshot {
  const mesh = meshConfigOf(objects, istiod)
  const { discoverySelectors: selectors = [] } = mesh
  const knows = (namespace: string | undefined): boolean =>
    selectors.length === 0 ||
    selectors.some((each) => selects(each, objects.get('namespaces', namespace ?? '')?.metadata.labels))
  const known = (all: KubeObject[]) =>
    selectors.length === 0 ? all : all.filter(({ metadata }) => knows(metadata.namespace))
  const byAge = (resource: string) =>
    known(objects.resources.byId(resource) ? objects.list(resource) : []).toSorted(
      (a, b) => Number(creation(a)) - Number(creation(b)),
    )
  return {
    ...(Object.fromEntries(Object.entries(KINDS).map(([name, resource]) => [name, byAge(resource)])) as Record<
      keyof typeof KINDS,
      KubeObject[]
    >),
    services: known(objects.list('services')),
    mesh,
    rootNamespace: mesh.rootNamespace ?? istiod.namespace,
    clusterDomain: objects.layout.clusterDomain,
    revision: istiod.revision || 'default',
    knows,
  }
}

/** The mesh configuration with an istiod's defaults, as /debug/mesh shows it. */
export const meshInUse = ({ mesh, rootNamespace }: MeshSnapshot, istiod: IstiodLayout): object => ({
  trustDomain: 'cluster.local',
  defaultConfig: {
    proxyAdminPort: 15000,
    statusPort: 15020,
    discoveryAddress: `${revised('istiod', istiod)}.${istiod.namespace}.svc:15012`,
  },
  enableAutoMtls: true,
  accessLogEncoding: 'TEXT',
  ...mesh,
  rootNamespace,
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
export function concerns({ rootNamespace }: MeshSnapshot, object: KubeObject, pod: KubeObject): boolean {
  const { namespace } = object.metadata
  if (namespace !== rootNamespace && namespace !== pod.metadata.namespace) return false
  const selector = object.spec?.selector ?? object.spec?.workloadSelector
  return !selector || selects({ matchLabels: selector.matchLabels ?? selector.labels ?? {} }, pod.metadata.labels)
}

/**
 * The Telemetry resources in force for a workload: the mesh's, its namespace's, and all that select it; later ones
 * override. Of those without a selector only the oldest applies; of those with one the newest overrides
 * (pilot/pkg/model/telemetry.go).
 */
export function effectiveTelemetries(snapshot: MeshSnapshot, pod: KubeObject): KubeObject[] {
  const about = snapshot.telemetries.filter((each) => concerns(snapshot, each, pod))
  const wide = (namespace: string | undefined) =>
    about.find((each) => !each.spec?.selector && each.metadata.namespace === namespace) ?? []
  const { namespace } = pod.metadata
  return [
    wide(snapshot.rootNamespace),
    namespace === snapshot.rootNamespace ? [] : wide(namespace),
    about.filter((each) => each.spec?.selector),
  ].flat()
}

/** Whether a host is meant by a pattern of a Gateway or VirtualService: exact, '*.example.com' or '*'. */
export const hostMatches = (pattern: string, host: string): boolean =>
  pattern === '*' || pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)))

/** The patterns that mean more come first: exact hosts, then longer suffixes. */
export const byMeaning = (a: string, b: string): number =>
  Number(a.startsWith('*')) - Number(b.startsWith('*')) || b.length - a.length
