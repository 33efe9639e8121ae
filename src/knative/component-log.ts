/** How zap writes lines: as JSON, or tab-separated with JSON at the end. */
export type Encoding = 'json' | 'console'

/** One structured line of a Knative component's log. */
export interface LogLine {
  level: string
  at: number
  logger: string
  key: string
  message: string
  error: string
}

/** The log of one pod, read. */
export interface ComponentLog {
  pod: string
  /** The lines above level info, and the info lines that report a successful reconcile after an error. */
  lines: LogLine[]
  /** The number of all structured lines. */
  count: number
  /** Lines that are neither JSON nor the output of Go's log package or klog. */
  unstructured: string[]
  /** Each error that repeats without a successful reconcile after it. */
  repeated: RepeatedError[]
}

/** A reconcile error that repeats: a sentence, the namespace of the object, and whether it may be the object's own. */
export interface RepeatedError {
  text: string
  namespace: string
  /** What was said names no trouble of the platform, such as a webhook that cannot be called. */
  isObjects: boolean
}

// Before its logger is set up a component writes with Go's log; client-go writes with klog at any time.
const GO_LOG_OR_KLOG = /^(\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d |[IWEF]\d{4} \d\d:\d\d:\d\d)/
// Optimistic locking at work: the controller tries again with the newer object.
const CONFLICT = /the object has been modified; please apply your changes to the latest version/

// Errors that no object of a tenant's can be the cause of: something of the cluster is missing, or does not answer.
const PLATFORM =
  /could not find the requested resource|no matches for kind|failed (calling|to call) webhook|is forbidden: User "system:|connection refused|i\/o timeout|no such host|x509:|etcdserver|context deadline exceeded/

// Every line except zap's at level info. Those are only counted: a busy component writes megabytes of them in ten
// minutes.
const NOT_PLAIN_INFO = {
  json: /^(?!\{"(?:severity|level)":"info"[^\n]*\}$)[^\n]+$/gim,
  console: /^(?!\S+\tinfo\t)[^\n]+$/gim,
}
const INFO = { json: /^\{"(?:severity|level)":"info"/gim, console: /^\S+\tinfo\t/gim }

/**
 * Parses a log. Errors about our own namespaces (plumb-...) do not count: checks cause them on purpose. Of the info
 * lines only those about an object with an error are parsed and given.
 */
export function readComponentLog(pod: string, text: string, encoding: Encoding = 'json'): ComponentLog {
  const parse = encoding === 'json' ? parseJson : parseConsole
  const odd = (text.match(NOT_PLAIN_INFO[encoding]) ?? []).filter((line) => line.trim() && !GO_LOG_OR_KLOG.test(line))
  const entries = odd.map((line) => ({ line, parsed: parse(line) }))
  const lines = entries.map(({ parsed }) => parsed).filter((parsed) => parsed !== undefined)
  const unstructured = entries
    .filter(({ line, parsed }) => !parsed && !isRequestLog(line))
    .map(({ line }) => line.slice(0, 200))
  const infoCount = (text.match(INFO[encoding]) ?? []).length
  const keys = [...new Set(lines.filter(({ level }) => level === 'ERROR').map(({ key }) => key))].filter(Boolean)
  const successes = keys.length
    ? text.split('\n').filter((line) => line.includes('Reconcile succeeded') && keys.some((key) => line.includes(key)))
    : []
  const all = [...lines, ...successes.map(parse).filter((line) => line !== undefined)]
  return { pod, lines: all, count: infoCount + lines.length, unstructured, repeated: repeatedErrors(all) }
}

/**
 * Whether a line is of the request log: the activator writes it to the same stream if config-observability enables it.
 */
const isRequestLog = (line: string): boolean => line.startsWith('{"httpRequest":')

/** A line as zap's console encoder writes it: TIME LEVEL [LOGGER] [CALLER] MESSAGE {FIELDS}, with tabs between. */
function parseConsole(line: string): LogLine | undefined {
  const [time = '', level = '', ...rest] = line.split('\t')
  if (!/^(debug|info|warn|error|dpanic|panic|fatal)$/i.test(level)) return undefined
  const fields = rest.at(-1)?.startsWith('{') ? rest.pop() : '{}'
  const message = rest.pop()
  const json = JSON.stringify({ severity: level, timestamp: time, message, logger: rest[0] })
  return parseJson(`${json.slice(0, -1)},${fields!.slice(1)}`.replace(/,\}$/, '}'))
}

function parseJson(line: string): LogLine | undefined {
  try {
    const json = JSON.parse(line) as Record<string, unknown>
    const text = (...keys: string[]): string => {
      const value = keys.map((key) => json[key]).find((candidate) => candidate !== undefined)
      return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
    }
    const level = text('severity', 'level').toUpperCase()
    if (!level) return undefined
    return {
      level,
      at: new Date(text('timestamp', 'ts', 'time')).getTime(),
      logger: text('logger'),
      key: text('knative.dev/key', 'key'),
      message: text('message', 'msg'),
      error: text('error'),
    }
  } catch {
    return undefined
  }
}

/** A reconcile error repeats if the same object had it at least twice and has not been reconciled since. */
function repeatedErrors(lines: readonly LogLine[]): RepeatedError[] {
  const errors = lines.filter(
    ({ level, key, error, message }) =>
      level === 'ERROR' &&
      /reconcil/i.test(message) &&
      !/^plumb-/.test(key) &&
      !/\bplumb-/.test(`${error} ${message}`) &&
      !CONFLICT.test(`${error} ${message}`),
  )
  const groups = Map.groupBy(
    errors,
    ({ logger, key, message, error }) => `${logger} ${key} ${message} ${error.slice(0, 80)}`,
  )
  return [...groups.values()].flatMap((group) => {
    const last = group.at(-1)!
    const isResolved = lines.some(
      ({ at, key, message }) => at >= last.at && key === last.key && /Reconcile succeeded/.test(message),
    )
    if (group.length < 2 || isResolved) return []
    const what = `${last.message}${last.key ? ` of ${last.key}` : ''}: ${last.error.slice(0, 200)}`
    return [
      {
        text: `${what} (${group.length} times, last at ${new Date(last.at).toISOString()})`,
        namespace: last.key.includes('/') ? last.key.split('/')[0]! : '',
        isObjects: !PLATFORM.test(`${last.error} ${last.message}`),
      },
    ]
  })
}
