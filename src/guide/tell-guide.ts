import type { Check } from '../check/check.ts'
import { PARTS, WRONG_LINES } from './guide.ts'
import { counted } from '../core/counted.ts'

const partsOf = ({ guide }: Pick<Check, 'guide'>): number[] => guide.split(',').map(Number)

/** The guide's parts with the checks that cover each, and its lines that are wrong with the checks that show it. */
export function tellGuide(checks: readonly Check[]): string {
  const lines = Object.entries(PARTS).flatMap(([number, title]) => {
    const covering = checks.filter((check) => partsOf(check).includes(Number(number)))
    const wrong = WRONG_LINES.filter(({ part }) => part === Number(number))
    return [
      `${number}. ${title}: ${counted(covering.length, 'check')}`,
      ...covering.map(({ id, asserts }) => `     ${id.padEnd(36)} ${asserts}`),
      ...wrong.flatMap(({ lines: at, says, truth, checks: shown }) => [
        `   wrong, line ${at}: ${says}`,
        `     ${truth}`,
        `     shown by ${shown.join(', ')}`,
      ]),
      '',
    ]
  })
  return [
    ...lines,
    `${Object.keys(PARTS).length} parts, ${checks.length} checks, ${WRONG_LINES.length} wrong lines`,
  ].join('\n')
}

/** The wrong lines as docs/guide.md has them. */
export function guideMarkdown(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  return [
    '# Errors in the guide, and what is asserted instead',
    '',
    'The guide mixes versions and names keys that nothing reads. A check asserts what is true. For a wrong line of the',
    'guide, a check asserts that the system refuses or ignores it. This file is generated: `npm run guide`.',
    '`./plumbline list --guide` lists the parts of the guide with all their checks.',
    '',
    '| part | lines | the guide says | what is true | check |',
    '|---|---|---|---|---|',
    ...WRONG_LINES.map(
      ({ part, lines, says, truth, checks }) =>
        `| ${part} | ${lines} | ${cell(says)} | ${cell(truth)} | ${checks.map((id) => `\`${id}\``).join(', ')} |`,
    ),
  ].join('\n')
}
