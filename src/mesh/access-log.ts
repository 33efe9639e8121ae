import type { AccessLogSink } from '../survey/survey.ts'

/** One record of a gateway's access log, by Envoy's operators (REQ(:METHOD), RESPONSE_CODE, ...). */
export type AccessLogRecord = Record<string, string>

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

/** What checks read of a record, and the operators that give it, with that of Istio's own format first. */
const OPERATORS = {
  method: ['REQ(:METHOD)'],
  path: [
    'REQ(X-ENVOY-ORIGINAL-PATH?:PATH)',
    'REQ(:PATH)',
    'PATH',
    'PATH(WQ)',
    'PATH(WQ:PATH)',
    'PATH(WQ:ORIG_OR_PATH)',
  ],
  response_code: ['RESPONSE_CODE'],
  response_flags: ['RESPONSE_FLAGS'],
  upstream_cluster: ['UPSTREAM_CLUSTER_RAW', 'UPSTREAM_CLUSTER'],
  duration: ['DURATION'],
  request_id: ['REQ(X-REQUEST-ID)', 'STREAM_ID'],
  authority: ['REQ(:AUTHORITY)', 'REQ(HOST)'],
} as const

export type AccessLogField = keyof typeof OPERATORS
export type AccessLogFields = Partial<Record<AccessLogField, string>>
export const ACCESS_LOG_FIELDS = Object.keys(OPERATORS) as AccessLogField[]

const OPERATOR = /(%[A-Z_]+(?:\([^)]*\))?(?::\d+)?%)/

/** An operator without its length limit, header names as they are compared: in capitals. */
const nameOf = (operator: string): string => operator.replace(/:\d+$/, '').toUpperCase()

const operatorsOf = (format: string): string[] =>
  format
    .split(OPERATOR)
    .filter((_, at) => at % 2 === 1)
    .map((part) => nameOf(part.slice(1, -1)))

/** Reads lines of an Envoy format string: a value for each %OPERATOR%, or undefined for a line of another format. */
export function formatReader(format: string): (line: string) => AccessLogRecord | undefined {
  const operators = operatorsOf(format)
  const pattern = format
    .replace(/\n$/, '')
    .split(OPERATOR)
    .map((part, at) => (at % 2 === 0 ? part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : '(.*?)'))
    .join('')
  const lineFormat = new RegExp(`^${pattern}$`)
  return (line) => {
    const values = lineFormat.exec(line)?.slice(1)
    return values && Object.fromEntries(operators.map((operator, at) => [operator, values[at] ?? '']))
  }
}

/** The leaves of a JSON object by their paths: {a: {b: 1}} is {'a.b': 1}. */
function leavesOf(json: Record<string, unknown>, prefix = ''): [path: string, value: unknown][] {
  return Object.entries(json).flatMap(([key, value]) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? leavesOf(value as Record<string, unknown>, `${prefix}${key}.`)
      : [[`${prefix}${key}`, value] as [string, unknown]],
  )
}

/**
 * Reads lines of a JSON format, whatever its keys: a value for each operator in it. A line has no key that the format
 * does not have; it may lack some, since Envoy can be told to leave out what is empty.
 */
function jsonReader(format: Record<string, unknown>): (line: string) => AccessLogRecord | undefined {
  const keys = new Map(leavesOf(format).map(([path, template]) => [path, formatReader(String(template))]))
  return (line) => {
    const json = parsed(line)
    if (!json) return undefined
    const leaves = leavesOf(json)
    if (leaves.length === 0 || leaves.some(([path]) => !keys.has(path))) return undefined
    const records = leaves.map(([path, value]) =>
      keys.get(path)!(value === null ? '-' : String(value as string | number)),
    )
    return Object.assign({}, ...records) as AccessLogRecord
  }
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = line.startsWith('{') ? JSON.parse(line) : undefined
    return json && typeof json === 'object' ? (json as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Reads the lines that a gateway's Envoy writes to its console, by the operators of its own configuration. */
export class AccessLogReader {
  /** The fields of OPERATORS that a line has. */
  readonly fields: readonly AccessLogField[]
  /** Whether a line is JSON. */
  readonly isJson: boolean
  readonly #read: (line: string) => AccessLogRecord | undefined
  readonly #operators: ReadonlySet<string>

  constructor({ text = DEFAULT_FORMAT, json }: Pick<AccessLogSink, 'text' | 'json'>) {
    this.isJson = json !== undefined
    this.#read = json ? jsonReader(json) : formatReader(text)
    this.#operators = new Set(
      (json ? leavesOf(json).map(([, template]) => String(template)) : [text]).flatMap(operatorsOf),
    )
    this.fields = ACCESS_LOG_FIELDS.filter((field) => this.#operatorOf(field) !== undefined)
  }

  has(field: AccessLogField): boolean {
    return this.fields.includes(field)
  }

  /** The fields of a line, '-' for those that Envoy left out; undefined for a line of another format. */
  read(line: string): AccessLogFields | undefined {
    const record = this.#read(line)
    return record && Object.fromEntries(this.fields.map((field) => [field, record[this.#operatorOf(field)!] ?? '-']))
  }

  #operatorOf(field: AccessLogField): string | undefined {
    return OPERATORS[field].find((operator) => this.#operators.has(operator))
  }
}

/**
 * Whether a line is in Istio's own format of an encoding. The fields that checks read have the names that they have in
 * Istio's JSON (pilot/pkg/model/telemetry_logging.go, EnvoyJSONLogFormatIstio).
 */
export function isDefaultFormat(line: string, encoding: 'TEXT' | 'JSON'): boolean {
  if (encoding === 'TEXT') return formatReader(DEFAULT_FORMAT)(line) !== undefined
  const json = parsed(line)
  return json !== undefined && ACCESS_LOG_FIELDS.every((field) => field in json)
}
