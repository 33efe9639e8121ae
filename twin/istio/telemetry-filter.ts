import { celEnv, isCelError, parse, plan, type CelInput } from '@bufbuild/cel'
import type { KubeObject } from '../api/object.ts'
import type { Logged } from './logged.ts'

const env = celEnv()
const compiled = new Map<string, (logged: Logged) => boolean>()

/**
 * Compiles the filter of a Telemetry's access log, an expression of CEL over Envoy's attributes. An expression that
 * does not evaluate to true for a request, or names an attribute that the request does not have, logs nothing: envoy,
 * source/extensions/access_loggers/filters/cel/cel.cc.
 * @throws Error with the place at which it is no CEL
 */
export function compileFilter(expression: string): (logged: Logged) => boolean {
  let filter = compiled.get(expression)
  if (!filter) {
    const evaluate = plan(env, parse(expression))
    filter = (logged) => {
      const result = evaluate(attributesOf(logged))
      return !isCelError(result) && result === true
    }
    compiled.set(expression, filter)
  }
  return filter
}

/** The filters of the access logs of a Telemetry. */
export const filtersOf = (telemetry: KubeObject): string[] =>
  ((telemetry.spec?.accessLogging ?? []) as { filter?: { expression?: string } }[]).flatMap(
    ({ filter }) => filter?.expression ?? [],
  )

/** Why the first filter of a Telemetry that is not CEL does not compile; undefined where all of them do. */
export function filterProblem(telemetry: KubeObject): string | undefined {
  for (const expression of filtersOf(telemetry)) {
    try {
      compileFilter(expression)
    } catch (problem) {
      return problem instanceof Error ? problem.message : String(problem)
    }
  }
  return undefined
}

/** Envoy's attributes of an answered request, as far as the twin knows them (Envoy's docs, advanced/attributes). */
function attributesOf(logged: Logged): Record<string, CelInput> {
  const { headers, path } = logged
  const known = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  const [urlPath = '', query = ''] = path.split('?')
  const message = (fields: Record<string, CelInput | undefined>): Map<string, CelInput> =>
    new Map(Object.entries(fields).filter((field): field is [string, CelInput] => field[1] !== undefined))
  return {
    request: message({
      path,
      url_path: urlPath,
      query,
      host: logged.authority,
      method: logged.method,
      protocol: logged.protocol,
      id: headers['x-request-id'],
      useragent: headers['user-agent'],
      referer: headers.referer,
      size: BigInt(logged.bytesReceived),
      headers: new Map<string, CelInput>([
        ...known,
        [':authority', logged.authority],
        [':method', logged.method],
        [':path', path],
      ]),
    }),
    response: message({
      code: BigInt(logged.code),
      code_details: logged.details,
      size: BigInt(logged.bytesSent),
    }),
    // No gateway of the twin asks for a client's certificate.
    connection: message({ mtls: false, requested_server_name: logged.serverName }),
    source: message({ address: logged.downstreamRemote }),
    destination: message({ address: logged.downstreamLocal }),
    upstream: message({ address: logged.upstreamHost }),
    xds: message({ cluster_name: logged.upstreamCluster, route_name: logged.routeName }),
  }
}
