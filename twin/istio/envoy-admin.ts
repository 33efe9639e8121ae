import http, { type RequestListener, type Server } from 'node:http'
import type { Objects } from '../api/objects.ts'
import type { Defects } from '../defects.ts'
import { circuitBreakers, clusterName, trafficPolicyOf } from './clusters.ts'
import type { MeshSnapshot } from './mesh.ts'

/** Envoy's admin interface: what of it is read or set from outside. */
export const adminServer = (objects: Objects, snapshot: () => MeshSnapshot | undefined, defects: Defects): Server =>
  http.createServer(answerAdmin(objects, snapshot, defects))

export function answerAdmin(
  objects: Objects,
  snapshot: () => MeshSnapshot | undefined,
  defects: Defects,
): RequestListener {
  const levels = new Map<string, string>()
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://admin')
    const json = (body: unknown) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(body))
    }
    if (url.pathname === '/server_info') return json({ version: 'twin', state: 'LIVE' })
    if (url.pathname === '/config_dump') return json({ configs: dump(objects, snapshot(), defects) })
    if (url.pathname === '/logging') {
      if (request.method !== 'POST') {
        response.statusCode = 405
        return response.end('Method Not Allowed')
      }
      for (const [logger, level] of url.searchParams) levels.set(logger, level)
      return response.end(
        `active loggers:\n${[...levels].map(([logger, level]) => `  ${logger}: ${level}`).join('\n')}\n`,
      )
    }
    response.statusCode = 404
    response.end('invalid path. admin commands are:\n  /config_dump\n  /logging\n  /server_info\n')
  }
}

/** Every cluster: a port of a Service, and of its subsets. */
function dump(objects: Objects, snapshot: MeshSnapshot | undefined, defects: Defects): object[] {
  if (!snapshot) return []
  const subsetsOf = (fqdn: string) =>
    snapshot.destinationRules
      .filter((rule) => rule.spec?.host === fqdn)
      .flatMap((rule) => ((rule.spec.subsets ?? []) as { name: string }[]).map(({ name }) => name))
  return objects.list('services').flatMap((service) => {
    const fqdn = `${service.metadata.name}.${service.metadata.namespace}.svc.cluster.local`
    return ((service.spec.ports ?? []) as { port: number }[]).flatMap(({ port }) =>
      [undefined, ...subsetsOf(fqdn)].map((subset) => ({
        '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump.DynamicCluster',
        cluster: {
          '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
          name: clusterName(port, subset, fqdn),
          circuit_breakers: circuitBreakers(
            defects.has('connection-pools-ignored') ? {} : trafficPolicyOf(snapshot, fqdn, subset),
          ),
        },
      })),
    )
  })
}
