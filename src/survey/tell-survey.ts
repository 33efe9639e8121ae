import { isUnknown, type SurveyRow } from './rows.ts'
import { surveyRows } from './survey-rows.ts'
import type { Survey } from './survey.ts'
import { counted } from '../core/counted.ts'

/** The widths of the columns, which together with the gaps between them are 120. */
const WIDTHS = [24, 50, 42] as const
const GAP = '  '
const HEAD = ['FACT', 'VALUE', 'FOUND BY [KEY OF STACK.YAML]']

/** What a survey found, as a table of 120 columns: a block for each part of the stack. */
export function tellSurvey(survey: Survey): string {
  const rows = surveyRows(survey)
  const blocks = [...Map.groupBy(rows, ({ part }) => part)].map(([part, some]) =>
    [part, ...some.flatMap((row) => linesOf([`  ${row.fact}`, row.value, byOf(row)]))].join('\n'),
  )
  return [...linesOf(HEAD), ...blocks, tellUnknown(rows)].join('\n')
}

const byOf = ({ by, key }: SurveyRow): string => (key ? `${by} [${key}]`.trim() : by)

function tellUnknown(rows: readonly SurveyRow[]): string {
  const count = rows.filter(isUnknown).length
  if (count === 0) return 'Nothing is unknown.'
  return `${counted(count, 'fact is', 'facts are')} unknown: checks that need them are skipped.`
}

/** The lines of a row: each cell wrapped to its column. */
function linesOf(cells: readonly string[]): string[] {
  const wrapped = cells.map((cell, at) => wrap(cell, WIDTHS[at]!))
  const height = Math.max(...wrapped.map((lines) => lines.length))
  return Array.from({ length: height }, (_, line) =>
    wrapped
      .map((lines, at) => (lines[line] ?? '').padEnd(WIDTHS[at]!))
      .join(GAP)
      .trimEnd(),
  )
}

/** Breaks a text between words, or after a slash, dot, comma or equals sign of one that is too long. */
function wrap(text: string, width: number): string[] {
  const indent = /^ */.exec(text)![0]
  const lines: string[] = []
  let line = ''
  const pieces = text
    .split(/(?<=\s)/)
    .flatMap((word) => (word.trimEnd().length > width - indent.length - 2 ? word.split(/(?<=[/.,=])/) : [word]))
    .flatMap((piece) => chunks(piece, width - indent.length - 2))
  for (const piece of pieces) {
    if (line.trim() && (line + piece).trimEnd().length > width) {
      lines.push(line.trimEnd())
      line = `${indent}  `
    }
    line += piece
  }
  return [...lines, line.trimEnd()]
}

const chunks = (text: string, width: number): string[] =>
  text.trimEnd().length <= width ? [text] : (text.match(new RegExp(`.{1,${width}}`, 'g')) ?? [text])
