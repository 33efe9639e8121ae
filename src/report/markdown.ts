/**
 * A text from a cluster as a code span of Markdown: links, images, HTML and @mentions in it stay text. Its fence is
 * longer than any run of backticks in it, so that it cannot end the span. Line breaks become spaces: a span ends with
 * its paragraph.
 */
export function codeSpan(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  if (!line) return ''
  const fence = '`'.repeat(longestRun(line) + 1)
  const pad = line.startsWith('`') || line.endsWith('`') ? ' ' : ''
  return `${fence}${pad}${line}${pad}${fence}`
}

/** The same as a block, its lines kept, each after `indent`: inside a list item the indent of its text. */
export function codeBlock(text: string, indent = ''): string[] {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1))
  const lines = text.split(/\r\n?|\n/)
  return [`${fence}text`, ...lines, fence].map((line) => (line ? `${indent}${line}` : line))
}

const longestRun = (text: string): number => Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length))
