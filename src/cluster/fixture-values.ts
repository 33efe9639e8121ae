import { DoesNotApply } from '../core/problem.ts'
import type { Gateway, GatewayPort } from '../survey/survey.ts'
import { clusterDomain, knativeNamespace, theGateway, type Surveyed } from '../survey/surveyed.ts'
import { servedApi } from './served.ts'
import { httpPortOf, httpsPortOf } from '../survey/traffic-ports.ts'

/**
 * What fixtures take from the survey, by the name in their `${name}`:
 * gatewayLabels: what a Gateway object selects the certified gateway by, as a map in YAML's flow style;
 * httpPort, httpsPort: the port number of such an object's server that the gateway's Service leads to;
 * networkingApi, telemetryApi, securityApi: the API versions that are served, with their groups.
 */
const FROM_THE_SURVEY: Readonly<Record<string, (cluster: Surveyed) => Promise<string>>> = {
  gatewayLabels: async (cluster) => JSON.stringify((await theGateway(cluster)).labels),
  httpPort: async (cluster) => portNumber(await theGateway(cluster), 'HTTP', httpPortOf),
  httpsPort: async (cluster) => portNumber(await theGateway(cluster), 'HTTPS', httpsPortOf),
  clusterDomain,
  knativeNamespace,
  networkingApi: (cluster) => servedApi(cluster, 'networking.istio.io/Gateway'),
  telemetryApi: (cluster) => servedApi(cluster, 'telemetry.istio.io/Telemetry'),
  securityApi: (cluster) => servedApi(cluster, 'security.istio.io/PeerAuthentication'),
}

/** The values of those `names` that the survey knows; a name that it does not know is left to the caller. */
export async function fixtureValues(cluster: Surveyed, names: readonly string[]): Promise<Record<string, string>> {
  const known = names.flatMap((name) => {
    const find = FROM_THE_SURVEY[name]
    return find ? [find(cluster).then((value) => [name, value] as const)] : []
  })
  return Object.fromEntries(await Promise.all(known))
}

function portNumber(gateway: Gateway, protocol: string, find: (gateway: Gateway) => GatewayPort | undefined): string {
  const port = find(gateway)
  const { namespace, name } = gateway.service
  if (!port) throw new DoesNotApply(`Service ${namespace}/${name}, the gateway, has no port for ${protocol}.`)
  return String(port.port)
}
