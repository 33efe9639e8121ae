import { appendFileSync } from 'node:fs'
import { toShownJson } from './secrets.ts'

/** What a trace tells of one thing: no bodies, no headers, no tokens. Times are in milliseconds. */
export type TraceEntry =
  | {
      type: 'call'
      api: 'kubernetes' | 'aws'
      verb: string
      path: string
      status?: number | undefined
      error?: string | undefined
      ms: number
      tries: number
    }
  | { type: 'wait'; what: string; for: string; lastSeen?: string | undefined; ended: string; ms: number }
  | { type: 'request'; host: string; path: string; status: number; error?: string | undefined; ms: number }

// Lines are gathered and written together: a run makes thousands of calls.
const FLUSH_EVERY_MS = 250
const FLUSH_AT_LINES = 200

let file: string | undefined
let lines: string[] = []
let timer: NodeJS.Timeout | undefined

/**
 * Writes all that is traced from now on in this thread to a file, which other threads may write to as well. Where that
 * fails it says so once on stderr, and ends.
 */
export function startTrace(to: string): void {
  file = to
  process.on('exit', flushTrace)
}

/** Writes what is left, and traces no more. */
export function endTrace(): void {
  flushTrace()
  process.off('exit', flushTrace)
  file = undefined
}

/** Adds an entry about the check of an id; costs next to nothing where there is no trace, and never throws. */
export function trace(check: string | undefined, entry: TraceEntry): void {
  if (!file) return
  lines.push(toShownJson({ at: new Date().toISOString(), check, ...entry, ms: Math.round(entry.ms * 10) / 10 }))
  if (lines.length >= FLUSH_AT_LINES) flushTrace()
  else timer ??= setTimeout(flushTrace, FLUSH_EVERY_MS).unref()
}

/** Writes the entries that have gathered. */
export function flushTrace(): void {
  clearTimeout(timer)
  timer = undefined
  const written = lines
  lines = []
  if (!file || written.length === 0) return
  try {
    appendFileSync(file, `${written.join('\n')}\n`)
  } catch (problem) {
    console.error(`The trace ends here, ${file} cannot be written: ${String(problem)}`)
    file = undefined
  }
}
