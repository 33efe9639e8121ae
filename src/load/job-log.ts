/**
 * Opens a log from a moment on (RFC 3339; from its beginning where not given), each line with its timestamp before it.
 */
export type OpenLog = (sinceTime: string | undefined) => AsyncIterable<string>

/**
 * Whether a log whose stream has ended may have more, or this was all; `problem` is what the stream ended with, if
 * anything.
 */
export type AfterEnd = (problem: unknown) => Promise<'more' | 'all'>

const STAMPED = /^(\d{4}-\d\d-\d\dT[\d:]+)(?:\.(\d+))?(Z|[+-]\d\d:\d\d) ?/

/**
 * Reads a log to its end, line by line, over streams that are cut. Each stream is opened anew from the second of the
 * last line that was read, and what was read already is passed over by its timestamp, which the container runtime gives
 * in nanoseconds; of lines with one timestamp as many are passed over as were read. A line that a cut left incomplete
 * is not given: the next stream has all of it.
 * @throws what `afterEnd` throws
 */
export async function* readLog(open: OpenLog, afterEnd: AfterEnd): AsyncGenerator<string> {
  const position = new Position()
  for (;;) {
    position.reopen()
    let problem: unknown
    // A stream that is cut in the middle of a line ends with a part of it: a line is complete once another follows.
    let held: string | undefined
    try {
      for await (const line of open(position.since)) {
        if (held !== undefined && position.isNew(held)) yield held.replace(STAMPED, '')
        held = line
      }
    } catch (thrown) {
      problem = thrown
    }
    if ((await afterEnd(problem)) === 'more') continue
    if (held !== undefined && position.isNew(held)) yield held.replace(STAMPED, '')
    return
  }
}

/** How far a log was read. */
class Position {
  /** From where the log is to be opened: a log is asked for by the second. */
  since: string | undefined
  #last = ''
  /** How many lines with the last timestamp were read. */
  #atLast = 0
  /** How many of them this stream gave again, or undefined where it is past them. */
  #again: number | undefined

  reopen(): void {
    this.#again = this.#last ? 0 : undefined
  }

  isNew(line: string): boolean {
    const [, second = '', fraction = '', zone = 'Z'] = STAMPED.exec(line) ?? []
    const stamp = `${second}.${fraction.padEnd(9, '0')}`
    if (this.#again !== undefined) {
      if (stamp < this.#last) return false
      if (stamp === this.#last && this.#again < this.#atLast) {
        this.#again++
        return false
      }
      this.#again = undefined
    }
    this.#atLast = stamp === this.#last ? this.#atLast + 1 : 1
    this.#last = stamp
    this.since = `${second}${zone}`
    return true
  }
}
