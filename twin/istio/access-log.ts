import { parse } from 'yaml'
import type { KubeObject } from '../api/object.ts'
import type { Logged } from './logged.ts'
import { effectiveTelemetries, type MeshSnapshot } from './mesh.ts'
import { compileFilter, filtersOf } from './telemetry-filter.ts'

// pilot/pkg/model/telemetry_logging.go, EnvoyTextLogFormat and EnvoyJSONLogFormatIstio.
const TEXT = [
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE%',
  '%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS%',
  '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION%',
  '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%"',
  '"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS%',
  '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%',
].join(' ')
const JSON_FIELDS = {
  start_time: '%START_TIME%',
  route_name: '%ROUTE_NAME%',
  method: '%REQ(:METHOD)%',
  path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  protocol: '%PROTOCOL%',
  response_code: '%RESPONSE_CODE%',
  response_flags: '%RESPONSE_FLAGS%',
  response_code_details: '%RESPONSE_CODE_DETAILS%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  upstream_service_time: '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%',
  x_forwarded_for: '%REQ(X-FORWARDED-FOR)%',
  user_agent: '%REQ(USER-AGENT)%',
  request_id: '%REQ(X-REQUEST-ID)%',
  authority: '%REQ(:AUTHORITY)%',
  upstream_host: '%UPSTREAM_HOST%',
  upstream_cluster: '%UPSTREAM_CLUSTER_RAW%',
  upstream_local_address: '%UPSTREAM_LOCAL_ADDRESS%',
  downstream_local_address: '%DOWNSTREAM_LOCAL_ADDRESS%',
  downstream_remote_address: '%DOWNSTREAM_REMOTE_ADDRESS%',
  requested_server_name: '%REQUESTED_SERVER_NAME%',
}

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

interface MeshLogging {
  accessLogFile?: string
  accessLogEncoding?: string
  accessLogFormat?: string
  extensionProviders?: { name: string; envoyFileAccessLog?: { path: string; logFormat?: { text?: string } } }[]
}

interface LogSettings {
  disabled?: boolean
  providers?: { name: string }[]
}

/** The access log of a proxy: what it writes, and the expressions that a request has to meet for a line. */
interface AccessLog {
  text?: string
  json?: Record<string, string>
  filters: string[]
}

/** The access log that the mesh's settings and Telemetry resources give a proxy; undefined for none. */
function accessLogOf(snapshot: MeshSnapshot, pod: KubeObject): AccessLog | undefined {
  const mesh = (parse(snapshot.mesh) ?? {}) as MeshLogging
  const telemetry = effectiveTelemetries(snapshot, pod).filter((each) => each.spec?.accessLogging)
  const settings = (telemetry.at(-1)?.spec.accessLogging ?? []) as LogSettings[]
  if (telemetry.length ? settings.every((each) => each.disabled) : !mesh.accessLogFile) return undefined
  const filters = telemetry.slice(-1).flatMap(filtersOf)
  const provider = settings.flatMap(({ providers = [] }) => providers)[0]?.name
  const file = mesh.extensionProviders?.find(({ name }) => name === provider)?.envoyFileAccessLog
  if (file?.logFormat?.text) return { text: file.logFormat.text, filters }
  if (mesh.accessLogEncoding !== 'JSON') return { text: mesh.accessLogFormat || `${TEXT}\n`, filters }
  return {
    json: mesh.accessLogFormat ? (JSON.parse(mesh.accessLogFormat) as Record<string, string>) : JSON_FIELDS,
    filters,
  }
}

/**
 * The line that a proxy logs for a request, or undefined where the mesh's settings and Telemetry resources log none.
 */
export function accessLogLine(snapshot: MeshSnapshot, pod: KubeObject, logged: Logged): string | undefined {
  const log = accessLogOf(snapshot, pod)
  if (!log?.filters.every((expression) => compileFilter(expression)(logged))) return undefined
  if (log.text) return format(log.text, logged).replace(/\n$/, '')
  return JSON.stringify(
    Object.fromEntries(Object.entries(log.json ?? {}).map(([key, value]) => [key, typed(format(value, logged))])),
  )
}

/** access_log of the proxy's connection managers, as its config_dump shows it. */
export function accessLogConfig(snapshot: MeshSnapshot, pod: KubeObject): object[] {
  const log = accessLogOf(snapshot, pod)
  if (!log) return []
  const log_format = log.text ? { text_format_source: { inline_string: log.text } } : { json_format: log.json }
  return [
    {
      name: 'envoy.access_loggers.file',
      ...(log.filters.length ? { filter: { extension_filter: { name: 'cel' } } } : {}),
      typed_config: { path: '/dev/stdout', log_format },
    },
  ]
}

const typed = (value: string): string | number | null =>
  value === '-' ? null : /^\d+$/.test(value) ? Number(value) : value
