import type { AccessLogSink, MeshConfig } from './survey.ts'

/** One entry of access_log in Envoy's configuration. */
interface AccessLog {
  name?: string
  filter?: object
  typed_config?: {
    path?: string
    /** Of older Envoys. */
    format?: string
    json_format?: Record<string, unknown>
    log_format?: {
      text_format?: string
      text_format_source?: { inline_string?: string }
      json_format?: Record<string, unknown>
    }
  }
}

interface Filter {
  typed_config?: { access_log?: AccessLog[] }
}

export interface Listener {
  name?: string
  address?: { socket_address?: { port_value?: number } }
  listener_filters?: { name?: string }[]
  filter_chains?: { filters?: Filter[] }[]
  default_filter_chain?: { filters?: Filter[] }
}

/** Files of the proxy that are its container's log. */
const CONSOLE = /^\/dev\/(stdout|stderr)$/

/**
 * The access logs of listeners, each once: those of their connection managers and TCP proxies. What a listener itself
 * logs is about connections that no filter chain takes.
 */
export function accessLogSinks(listeners: readonly Listener[]): AccessLogSink[] {
  const logs = listeners
    .flatMap(({ filter_chains = [], default_filter_chain }) => [...filter_chains, default_filter_chain ?? {}])
    .flatMap(({ filters = [] }) => filters)
    .flatMap(({ typed_config }) => typed_config?.access_log ?? [])
  const each = new Map(logs.map((log) => [JSON.stringify(log), log]))
  return [...each.values()].map(sinkOf)
}

function sinkOf({ name = '', filter, typed_config = {} }: AccessLog): AccessLogSink {
  const filtered = filter !== undefined
  if (/open_telemetry/.test(name)) return { kind: 'otel', filtered }
  if (/grpc/.test(name)) return { kind: 'grpc', filtered }
  const { path = /stdout|stderr/.test(name) ? '/dev/stdout' : '', log_format = {} } = typed_config
  const text = log_format.text_format_source?.inline_string ?? log_format.text_format ?? typed_config.format
  const json = log_format.json_format ?? typed_config.json_format
  return {
    kind: CONSOLE.test(path) ? 'stdout' : 'file',
    path,
    ...(json ? { json } : text === undefined ? {} : { text }),
    filtered,
  }
}

/**
 * The access logs that a mesh configuration asks for, without Telemetry resources: what a gateway gets whose Envoy has
 * no listener yet.
 */
export function sinksOfMesh({ accessLogFile, accessLogEncoding, accessLogFormat }: MeshConfig): AccessLogSink[] {
  if (!accessLogFile) return []
  const kind = CONSOLE.test(accessLogFile) ? 'stdout' : 'file'
  const format = accessLogFormat ? { text: accessLogFormat } : {}
  if (accessLogEncoding !== 'JSON') return [{ kind, path: accessLogFile, ...format, filtered: false }]
  return [{ kind, path: accessLogFile, json: jsonOf(accessLogFormat) ?? ISTIO_JSON, filtered: false }]
}

function jsonOf(format: string | undefined): Record<string, unknown> | undefined {
  try {
    return format ? (JSON.parse(format) as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** The fields of Istio's own JSON format that checks read (pilot/pkg/model/telemetry_logging.go). */
const ISTIO_JSON = {
  method: '%REQ(:METHOD)%',
  path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  response_code: '%RESPONSE_CODE%',
  response_flags: '%RESPONSE_FLAGS%',
  upstream_cluster: '%UPSTREAM_CLUSTER_RAW%',
  duration: '%DURATION%',
  request_id: '%REQ(X-REQUEST-ID)%',
  authority: '%REQ(:AUTHORITY)%',
}
