import { styleText } from 'node:util'
import { createLogUpdate } from 'log-update'
import { channel, type Progress } from '../core/progress.ts'
import type { Outcome } from '../core/record.ts'

interface Running {
  since: number
  within: number
  waits: Map<string, { since: number; within: number }>
}

const COLOUR = {
  pass: 'green',
  waived: 'yellow',
  fail: 'red',
  error: 'red',
  blocked: 'yellow',
  skipped: 'gray',
} as const

/** What a run shows while it goes on. */
export interface View {
  say(line: string): void
  close(): void
}

/**
 * Shows a run: on a terminal, below the finished checks, those that run, what each waits for and how long it may;
 * elsewhere a plain line for each that is finished.
 */
export function openView(total: number, out: NodeJS.WriteStream = process.stdout): View {
  const running = new Map<string, Running>()
  let finished = 0
  const live = out.isTTY ? createLogUpdate(out) : undefined

  const say = (line: string): void => {
    if (!live) return void out.write(`${line}\n`)
    live.clear()
    out.write(`${line}\n`)
    draw()
  }
  const draw = (): void => {
    if (!live || running.size === 0) return live?.clear()
    const rows = Math.max(3, (out.rows ?? 24) - 4)
    const lines = [...running].map(([id, check]) => runningLine(id, check))
    const shown = lines.length > rows ? [...lines.slice(0, rows), `  and ${lines.length - rows} more`] : lines
    live(
      [styleText('dim', `  ${finished} of ${total} done`), ...shown]
        .map((line) => cutTo(line, out.columns ?? 80))
        .join('\n'),
    )
  }
  const hear = (progress: Progress): void => {
    if (progress.type === 'started')
      running.set(progress.id, { since: Date.now(), within: progress.within, waits: new Map() })
    else if (progress.type === 'waiting')
      running.get(progress.id)?.waits.set(progress.what, { since: Date.now(), within: progress.within })
    else if (progress.type === 'waited') running.get(progress.id)?.waits.delete(progress.what)
    else {
      running.delete(progress.id)
      finished++
      const lines = finishedLine(progress)
      // On a terminal what passed takes one line; the report has all of it.
      say(live && progress.outcome === 'pass' ? cutTo(lines, out.columns ?? 80) : lines)
    }
  }
  const stop = channel.listen(hear)
  const timer = live ? setInterval(draw, 500) : undefined
  return {
    say,
    close() {
      stop()
      clearInterval(timer)
      live?.clear()
      live?.done()
    },
  }
}

function runningLine(id: string, { since, within, waits }: Running): string {
  const wait = [...waits].at(-1)
  const [what, at] = wait ? [` is waiting for ${wait[0]}`, wait[1]] : ['', { since, within }]
  return `  ${styleText('cyan', '·')} ${id}${what} ${seconds(Date.now() - at.since)} of at most ${seconds(at.within)}`
}

/** A finished check on one line, and the rest of what it says below it where it did not pass. */
export function finishedLine({
  id,
  outcome,
  ms,
  seen,
}: {
  id: string
  outcome: Outcome
  ms: number
  seen: string
}): string {
  const head = `${styleText(COLOUR[outcome], outcome.padEnd(7))} ${id.padEnd(38)} ${seconds(ms).padStart(6)}`
  const [first = '', ...rest] = seen.split('\n')
  return [`${head}  ${first}`, ...(outcome === 'pass' ? [] : rest.slice(0, 12).map((line) => `        ${line}`))].join(
    '\n',
  )
}

const seconds = (ms: number): string => (ms < 10_000 ? `${(ms / 1000).toFixed(1)}s` : `${Math.round(ms / 1000)}s`)

function cutTo(line: string, width: number): string {
  // Colour codes take no room; the lines that are cut have them only in their first signs.
  return line.length > width + 9 ? `${line.slice(0, width + 8)}…` : line
}
