import type { Cluster } from '../cluster/cluster.ts'
import type { KubernetesObject } from '../core/object.ts'
import { servedApi } from '../cluster/served.ts'
import { selectedByService } from '../kube/selector.ts'
import type { Gateway, KnativeFacts, KnativeGateway } from '../survey/survey.ts'
import { theKnative } from '../survey/surveyed.ts'
import { valueOf } from '../survey/fact.ts'

interface Server {
  port?: { number?: number; protocol?: string }
  hosts?: string[]
}

/**
 * Whether net-istio makes Gateways of their own for each public Service (with TLS, or HTTP that is redirected), and
 * puts its routes on those (net-istio, pkg/reconciler/ingress/ingress.go).
 */
export const hasOwnGateways = ({ httpProtocol, externalDomainTls }: KnativeFacts): boolean =>
  externalDomainTls || httpProtocol === 'redirected'

/**
 * The domain of a Service that no selector of config-domain picks: of several the first by name (knative/serving,
 * pkg/reconciler/route/config/domain.go). Undefined where there is none: then Services are cluster-local.
 */
export const defaultDomain = ({ domains }: Pick<KnativeFacts, 'domains'>): string | undefined =>
  Object.keys(domains)
    .filter((domain) => Object.keys(domains[domain]!).length === 0)
    .toSorted()[0]

/** The Gateways, NAMESPACE/NAME, that net-istio puts the routes of a Service on; `label` is that of its Ingress. */
export async function gatewaysOfRoutes(
  cluster: Cluster,
  namespace: string,
  label: string,
): Promise<{ external: string[]; local: string[] }> {
  const knative = await theKnative(cluster)
  const { external, local } = valueOf(knative.gateways)
  const nameOf = (each: { namespace: string; name: string }) => `${each.namespace}/${each.name}`
  const usual = (gateways: readonly KnativeGateway[]) => gateways.filter((each) => !each.labelSelector).map(nameOf)
  if (!hasOwnGateways(knative)) return { external: usual(external), local: usual(local) }
  const api = await servedApi(cluster, 'networking.istio.io/Gateway')
  const { items } = await cluster.k8s.list(`${api}/Gateway`, { namespace, labels: label })
  return { external: items.map(({ metadata }) => `${namespace}/${metadata?.name}`), local: usual(local) }
}

/**
 * A sentence for each fault of the Gateways that config-istio names: missing, in front of no gateway's Service, a
 * selector that does not select its pods, no server that takes requests from it.
 */
export async function gatewayTroubles(cluster: Cluster, named: readonly KnativeGateway[]): Promise<string[]> {
  const gateways = valueOf((await cluster.survey()).gateways)
  const knative = await theKnative(cluster)
  const api = await servedApi(cluster, 'networking.istio.io/Gateway')
  const troubles = named.map(async (each) => {
    const name = `Gateway ${each.namespace}/${each.name}`
    const service = `${each.service.namespace}/${each.service.name}`
    const gateway = gateways.find(
      ({ service }) => service.namespace === each.service.namespace && service.name === each.service.name,
    )
    const noService = gateway
      ? []
      : [`${name}: config-istio maps it to Service ${service}, which has no pods of a gateway behind it`]
    const object = await cluster.maybe(`${api}/Gateway`, each.name, each.namespace)
    if (!object) return [...noService, `${name} does not exist`]
    if (!gateway) return noService
    return [...selectorTroubles(name, object, gateway), ...serverTroubles(name, object, gateway, knative)]
  })
  return (await Promise.all(troubles)).flat()
}

function selectorTroubles(name: string, object: KubernetesObject, { workloads, service }: Gateway): string[] {
  const selector = (object.spec?.selector ?? {}) as Record<string, string>
  const missed = workloads.filter(({ podLabels }) => !selectedByService(selector, podLabels))
  return missed.map(
    (workload) =>
      `${name}: selector ${JSON.stringify(selector)} does not select the pods of ${workload.kind} ` +
      `${workload.namespace}/${workload.name}, which are behind Service ${service.namespace}/${service.name}`,
  )
}

/** A server takes requests where its port is one of the Service's, for hosts of the default domain. */
function serverTroubles(name: string, object: KubernetesObject, gateway: Gateway, knative: KnativeFacts): string[] {
  if (hasOwnGateways(knative)) return []
  const domain = defaultDomain(knative)
  const servers = (object.spec?.servers ?? []) as Server[]
  const takes = servers.some(
    ({ port, hosts = [] }) =>
      /^(HTTP|HTTP2|HTTPS)$/i.test(port?.protocol ?? '') &&
      gateway.ports.some((each) => each.port === port?.number) &&
      hosts.some((host) => covers(host, domain)),
  )
  if (takes) return []
  const actual = servers
    .map(({ port, hosts }) => `${port?.protocol} ${port?.number} for ${hosts?.join(', ')}`)
    .join('; ')
  const ports = gateway.ports.map(({ port }) => port).join(', ')
  return [
    `${name}: no server for HTTP or HTTPS on a port of Service ${gateway.service.namespace}/${gateway.service.name} ` +
      `(${ports}) has hosts "*"${domain ? ` or those of ${domain}` : ''}; servers: ${actual || 'none'}`,
  ]
}

/** Whether a host of a server ('*', '*.example.com', 'NAMESPACE/HOST') takes hosts of a domain. */
function covers(host: string, domain: string | undefined): boolean {
  const pattern = host.split('/').at(-1) ?? ''
  if (pattern === '*') return true
  if (domain === undefined || !pattern.startsWith('*.')) return false
  return `.${domain}`.endsWith(pattern.slice(1)) || pattern.endsWith(`.${domain}`)
}
