import { loadCatalogue, select } from '../check/catalogue.ts'
import type { Check } from '../check/check.ts'
import { guideMarkdown, tellGuide } from '../guide/tell-guide.ts'
import { counted } from '../core/counted.ts'

export interface ListFlags {
  only?: string[]
  markdown?: boolean
  json?: boolean
  guide?: boolean
}

/** plumbline list: the catalogue, in the order of work. */
export async function list(flags: ListFlags): Promise<number> {
  const catalogue = await loadCatalogue()
  const checks = flags.only ? select(catalogue, flags.only) : catalogue
  if (flags.guide) console.log(flags.markdown ? guideMarkdown() : tellGuide(checks))
  else if (flags.json)
    console.log(
      JSON.stringify(
        checks.map(({ body: _, ...meta }) => meta),
        null,
        2,
      ),
    )
  else if (flags.markdown) console.log(markdownOf(checks))
  else {
    for (const { id, level, effect, asserts } of checks)
      console.log(`${id.padEnd(38)} ${level.padEnd(11)} ${effect.padEnd(6)} ${asserts}`)
    console.log(counted(checks.length, 'check'))
  }
  return 0
}

/** The catalogue as docs/catalogue.md has it. */
export function markdownOf(checks: readonly Check[]): string {
  const row = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const names = (needs: readonly string[] = []) => needs.map((need) => `\`${need}\``).join(' ')
  return [
    '# The checks',
    '',
    'This file is generated from the checks: `npm run catalogue`.',
    '',
    '| id | level | effect | guide | asserts | needs | remedy |',
    '|---|---|---|---|---|---|---|',
    ...checks.map(({ id, level, effect, guide, asserts, needs, remedy }) =>
      row([`\`${id}\``, level, effect, guide, asserts, names(needs), [remedy].flat().join('; ')]),
    ),
  ].join('\n')
}
