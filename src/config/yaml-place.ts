import { isMap, isSeq, type Document, type LineCounter } from 'yaml'

/** A YAML file as it was read, to say where something in it stands. */
export interface YamlFile {
  path: string
  document: Document
  lines: LineCounter
}

/** FILE:LINE of a key, or of its nearest parent in the file. */
export const placeOf = (keys: readonly string[], file: YamlFile): string => `${file.path}:${lineOf(keys, file)}`

/** A key as people write it: waive[0].until. */
export const nameOfKey = (keys: readonly string[]): string =>
  keys.map((key, at) => (/^\d+$/.test(key) ? `[${key}]` : at ? `.${key}` : key)).join('')

function lineOf(keys: readonly string[], { document, lines }: YamlFile): number {
  let at: unknown = document.contents
  let line = 1
  for (const key of keys) {
    const start = (node: unknown) => (node as { range?: [number, number, number] } | undefined)?.range?.[0]
    let from: number | undefined
    if (isMap(at)) {
      const pair = at.items.find((item) => String((item.key as { value?: unknown }).value) === key)
      from = start(pair?.key)
      at = pair?.value
    } else if (isSeq(at)) {
      at = at.items[Number(key)]
      from = start(at)
    } else break
    if (from !== undefined) line = lines.linePos(from).line
  }
  return line
}
