import { ISTIO_TEXT } from './access-log-formats.ts'
import type { AccessLogSink, JsonFields } from './access-log-sinks.ts'
import type { Logged } from './logged.ts'
import { compileFilter } from './telemetry-filter.ts'

/** Fills in Envoy's %OPERATOR%s; what is not known is '-'. */
export function format(template: string, logged: Logged): string {
  return template.replace(/%([A-Z_]+)(?:\(([^)]*)\))?%/g, (_, operator: string, argument = '') =>
    String(valueOf(operator, argument as string, logged) ?? '-'),
  )
}

function valueOf(operator: string, argument: string, logged: Logged): string | number | undefined {
  if (operator === 'REQ') {
    const names = argument.split('?:').map((name) => name.split('?')[0]?.toLowerCase() ?? '')
    const special: Record<string, string> = {
      ':method': logged.method,
      path: logged.path,
      ':path': logged.path,
      ':authority': logged.authority,
    }
    return names.map((name) => special[name] ?? logged.headers[name]).find((value) => value !== undefined)
  }
  if (operator === 'RESP')
    return argument.toLowerCase() === 'x-envoy-upstream-service-time' ? logged.upstreamMs : undefined
  const values: Record<string, string | number | undefined> = {
    START_TIME: logged.start.toISOString(),
    PROTOCOL: logged.protocol,
    RESPONSE_CODE: logged.code,
    RESPONSE_FLAGS: logged.flags || '-',
    RESPONSE_CODE_DETAILS: logged.details,
    BYTES_RECEIVED: logged.bytesReceived,
    BYTES_SENT: logged.bytesSent,
    DURATION: logged.durationMs,
    UPSTREAM_HOST: logged.upstreamHost || undefined,
    UPSTREAM_REMOTE_ADDRESS: logged.upstreamHost || undefined,
    UPSTREAM_CLUSTER: logged.upstreamCluster || undefined,
    UPSTREAM_CLUSTER_RAW: logged.upstreamCluster || undefined,
    UPSTREAM_LOCAL_ADDRESS: logged.upstreamLocal || undefined,
    DOWNSTREAM_LOCAL_ADDRESS: logged.downstreamLocal,
    DOWNSTREAM_REMOTE_ADDRESS: logged.downstreamRemote,
    REQUESTED_SERVER_NAME: logged.serverName || undefined,
    ROUTE_NAME: logged.routeName || undefined,
  }
  return values[operator]
}

/** The lines that a proxy logs for a request to its standard output, by the access logs that its listener has. */
export const accessLogLines = (sinks: readonly AccessLogSink[], logged: Logged): string[] =>
  sinks
    .filter(({ kind, path }) => kind === 'file' && path === '/dev/stdout')
    .filter(({ filter }) => filter === undefined || compileFilter(filter)(logged))
    .map(({ json, text, omitsEmpty }) =>
      json ? JSON.stringify(filled(json, logged, omitsEmpty)) : format(text ?? ISTIO_TEXT, logged).replace(/\n$/, ''),
    )

/** The keys of a JSON log with what their operators stand for. */
const filled = (fields: JsonFields, logged: Logged, omitsEmpty: boolean): object =>
  Object.fromEntries(
    Object.entries(fields)
      .map(([key, value]): [string, unknown] => [
        key,
        typeof value === 'string' ? typed(format(value, logged)) : filled(value, logged, omitsEmpty),
      ])
      .filter(([, value]) => !omitsEmpty || value !== null),
  )

const typed = (value: string): string | number | null =>
  value === '-' ? null : /^\d+$/.test(value) ? Number(value) : value
