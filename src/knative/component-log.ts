/** One structured line of a Knative component's log (zap as JSON). */
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
  /** The lines that are not plain information, and those that tell that an error was overcome. */
  lines: LogLine[]
  /** How many structured lines there are in all. */
  count: number
  /** Lines that are neither JSON nor what Go's log and klog write beside it. */
  unstructured: string[]
  /** A sentence for each error that came again, and was not overcome. */
  repeated: string[]
}

// Before its logger is set up a component writes with Go's log; client-go writes with klog at any time.
const BESIDE = /^(\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d |[IWEF]\d{4} \d\d:\d\d:\d\d)/
// Optimistic locking at work: the controller tries again with the newer object.
const CONFLICT = /the object has been modified; please apply your changes to the latest version/

// Every line but what zap writes for most of them. Those are only counted: a busy component writes megabytes of them in ten minutes.
const NOT_PLAIN_INFO = /^(?!\{"(?:severity|level)":"info"[^\n]*\}$)[^\n]+$/gim

/**
 * Reads a log's text. Errors about our own namespaces (plumb-...) do not count: checks cause them on purpose. Of the lines at info only
 * those that tell of an object with an error are read, and given.
 */
export function readComponentLog(pod: string, text: string): ComponentLog {
  const odd = (text.match(NOT_PLAIN_INFO) ?? []).filter((line) => line.trim() && !BESIDE.test(line))
  const parsed = odd.map((line) => ({ line, read: parse(line) }))
  const lines = parsed.map(({ read }) => read).filter((read) => read !== undefined)
  const unstructured = parsed
    .filter(({ line, read }) => !read && !isRequestLog(line))
    .map(({ line }) => line.slice(0, 200))
  const plain = (text.match(/^\{"(?:severity|level)":"info"/gim) ?? []).length
  const keys = [...new Set(lines.filter(({ level }) => level === 'ERROR').map(({ key }) => key))].filter(Boolean)
  const telling = keys.length
    ? text.split('\n').filter((line) => line.includes('Reconcile succeeded') && keys.some((key) => line.includes(key)))
    : []
  const all = [...lines, ...telling.map(parse).filter((line) => line !== undefined)]
  return { pod, lines: all, count: plain + lines.length, unstructured, repeated: repeatedErrors(all) }
}

/** Whether it is a line of a request log, which the activator writes in the same stream where config-observability has it on. */
const isRequestLog = (line: string): boolean => line.startsWith('{"httpRequest":')

function parse(line: string): LogLine | undefined {
  try {
    const json = JSON.parse(line) as Record<string, unknown>
    const text = (...keys: string[]): string => {
      const value = keys.map((key) => json[key]).find((each) => each !== undefined)
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

/** A reconcile error repeats where the same object met it twice and the object has not been reconciled since. */
function repeatedErrors(lines: readonly LogLine[]): string[] {
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
    const overcome = lines.some(
      ({ at, key, message }) => at >= last.at && key === last.key && /Reconcile succeeded/.test(message),
    )
    if (group.length < 2 || overcome) return []
    return [
      `${group.length} times, last at ${new Date(last.at).toISOString()}: ${last.message}${last.key ? ` of ${last.key}` : ''}: ${last.error.slice(0, 200)}`,
    ]
  })
}
