import { expect, test } from 'vitest'
import { readLog } from './job-log.ts'

const stamp = (nanos: number) => `2026-01-01T00:00:0${Math.floor(nanos / 1e9)}.${String(nanos % 1e9).padStart(9, '0')}Z`
/** A log of lines, one every tenth of a second; those of `together` have the timestamp of the one before. */
const logOf = (texts: string[], together: string[] = []) => {
  let nanos = 0
  return texts.map((text) => `${stamp(together.includes(text) ? nanos : (nanos += 100_000_000))} ${text}`)
}

/**
 * Reads a log whose streams give what each of `streams` does with it, and gives the lines and from when each was
 * opened.
 */
async function read(log: string[], streams: ((lines: string[]) => string[])[], zone = 'Z') {
  const opened: (string | undefined)[] = []
  const open = async function* (since: string | undefined) {
    const part = streams[opened.length]!
    opened.push(since)
    // The API gives the log from the beginning of the second that it is asked for.
    const from = log.filter((line) => !since || line >= since.slice(0, 19))
    for (const line of part(from)) {
      if (line === 'CUT') throw new Error('terminated')
      yield await Promise.resolve(zone === 'Z' ? line : line.replace('Z ', `${zone} `))
    }
  }
  const lines: string[] = []
  const afterEnd = () => Promise.resolve(opened.length < streams.length ? ('more' as const) : ('all' as const))
  for await (const line of readLog(open, afterEnd)) lines.push(line)
  return { lines, opened }
}
const all = (lines: string[]) => lines
const texts = Array.from({ length: 25 }, (_, at) => `line ${at}`)

test('a log that is not cut is read once', async () => {
  expect(await read(logOf(texts), [all])).toEqual({ lines: texts, opened: [undefined] })
})

test('a log that is cut is read on from the second of the last line, each line once', async () => {
  const cut = [(lines: string[]) => [...lines.slice(0, 14), 'CUT'], (lines: string[]) => lines.slice(0, 9), all]
  const { lines, opened } = await read(logOf(texts), cut)
  expect(lines).toEqual(texts)
  expect(opened).toEqual([undefined, '2026-01-01T00:00:01Z', '2026-01-01T00:00:01Z'])
})

test('lines with one timestamp are each read once', async () => {
  const log = logOf(texts, ['line 3', 'line 4', 'line 5'])
  for (let at = 0; at < 9; at++)
    expect((await read(log, [(lines) => [...lines.slice(0, at), 'CUT'], all])).lines).toEqual(texts)
})

test('a line that a cut left incomplete is read from the next stream', async () => {
  const partly = (lines: string[]) => [...lines.slice(0, 4), lines[4]!.slice(0, -2), 'CUT']
  expect((await read(logOf(texts), [partly, all])).lines).toEqual(texts)
})

test('a stream that ends before its first line is opened again from the beginning', async () => {
  expect((await read(logOf(texts), [() => ['CUT'], all])).opened).toEqual([undefined, undefined])
})

test('keeps the time zone that the runtime writes', async () => {
  const { opened } = await read(logOf(texts), [(lines) => [...lines.slice(0, 5), 'CUT'], all], '+02:00')
  expect(opened[1]).toBe('2026-01-01T00:00:00+02:00')
})

test('what is known to be lost is thrown', async () => {
  const open = async function* () {
    yield* await Promise.resolve([])
  }
  const reading = readLog(open, () => Promise.reject(new Error('the pod is gone')))
  await expect(reading.next()).rejects.toThrow('the pod is gone')
})
