/** One record of a gateway's access log, by Envoy's operators (REQ(:METHOD), RESPONSE_CODE, ...) or JSON keys. */
export type AccessLogRecord = Record<string, string>

/** The encoding of access logs in meshConfig. */
export type Encoding = 'TEXT' | 'JSON'

// istio/istio, pilot/pkg/model/telemetry_logging.go, EnvoyTextLogFormat.
export const DEFAULT_FORMAT = [
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% ',
  '%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% ',
  '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% ',
  '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" ',
  '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% ',
  '%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% ',
  '%ROUTE_NAME%\n',
].join('')

/** The fields that checks read: the keys of Istio's default JSON, and the operators of its default text. */
const COMMON = {
  method: 'REQ(:METHOD)',
  path: 'REQ(X-ENVOY-ORIGINAL-PATH?:PATH)',
  response_code: 'RESPONSE_CODE',
  response_flags: 'RESPONSE_FLAGS',
  upstream_cluster: 'UPSTREAM_CLUSTER_RAW',
  duration: 'DURATION',
  request_id: 'REQ(X-REQUEST-ID)',
  authority: 'REQ(:AUTHORITY)',
} as const

export type AccessLogField = keyof typeof COMMON
export const ACCESS_LOG_FIELDS = Object.keys(COMMON) as AccessLogField[]

/** Reads lines of an Envoy format string: a value for each %OPERATOR%, or undefined for a line of another format. */
export function formatReader(format: string): (line: string) => AccessLogRecord | undefined {
  const operators: string[] = []
  const pattern = format
    .replace(/\n$/, '')
    .split(/(%[A-Z_]+(?:\([^)]*\))?(?::\d+)?%)/)
    .map((part, at) => {
      if (at % 2 === 0) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      operators.push(part.slice(1, -1))
      return '(.*?)'
    })
    .join('')
  const lineFormat = new RegExp(`^${pattern}$`)
  return (line) => {
    const values = lineFormat.exec(line)?.slice(1)
    return values && Object.fromEntries(operators.map((operator, at) => [operator, values[at] ?? '']))
  }
}

const readDefault = formatReader(DEFAULT_FORMAT)

/** Reads a line of Istio's default format in an encoding, by its JSON keys; undefined for a line of another format. */
export const readAccessLog = (line: string, encoding: Encoding): Record<AccessLogField, string> | undefined =>
  fieldsOf(encoding === 'JSON' ? readJson(line) : readDefault(line), encoding)

/** A reader for lines in an encoding, in Istio's default format or in an Envoy format string. */
export function accessLogFields(
  encoding: Encoding,
  format = DEFAULT_FORMAT,
): (line: string) => Record<AccessLogField, string> | undefined {
  const readText = formatReader(format)
  return (line) => fieldsOf(encoding === 'JSON' ? readJson(line) : readText(line), encoding)
}

function fieldsOf(record: AccessLogRecord | undefined, encoding: Encoding): Record<AccessLogField, string> | undefined {
  if (!record) return undefined
  const fields = ACCESS_LOG_FIELDS.map((field) => [field, record[encoding === 'JSON' ? field : COMMON[field]]] as const)
  return fields.every(([, value]) => value !== undefined)
    ? (Object.fromEntries(fields) as Record<AccessLogField, string>)
    : undefined
}

function readJson(line: string): AccessLogRecord | undefined {
  try {
    const json = JSON.parse(line) as Record<string, unknown>
    return Object.fromEntries(
      Object.entries(json).map(([key, value]) => [key, value === null ? '-' : String(value as string | number)]),
    )
  } catch {
    return undefined
  }
}
