import type { Readable } from 'node:stream'

/**
 * The lines of a stream as they come; the last may lack its end. Unlike node:readline it passes on what breaks the
 * stream.
 * @throws what the stream ends with
 */
export async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = chunk.split('\n')
    lines[0] = rest + lines[0]
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest) yield rest
}
