import { counted } from '../core/counted.ts'
import type { CheckRecord, Effect, Outcome } from '../core/record.ts'
import type { Report } from './report-schema.ts'

const DONE: readonly Outcome[] = ['pass', 'waived', 'fail', 'error']
const EFFECTS: Readonly<Record<Effect, string>> = {
  reads: 'reads',
  writes: 'writes',
  tunes: 'changes of shared settings',
  disrupts: 'disruptions',
}

type Covered = Pick<CheckRecord, 'outcome' | 'excused' | 'notAllowed'> & { effect: Effect }

/** What a run has tried, and what it was not allowed to: 'reads and writes; 34 checks that … were not allowed'. */
export function coverageOf(checks: readonly Covered[]): string {
  const tried = (Object.keys(EFFECTS) as Effect[]).filter((effect) =>
    checks.some((check) => check.effect === effect && DONE.includes(check.outcome)),
  )
  const refused = checks.filter(({ notAllowed }) => notAllowed)
  const unfit = checks.filter(({ outcome, excused, notAllowed }) => outcome === 'skipped' && excused && !notAllowed)
  return [
    listed(tried.map((effect) => EFFECTS[effect])) || 'nothing',
    ...(refused.length ? [`${counted(refused.length, 'check')} ${tellRefused(refused)}`] : []),
    ...(unfit.length
      ? [`${counted(unfit.length, 'check')} ${unfit.length === 1 ? 'does' : 'do'} not apply to this cluster`]
      : []),
  ].join('; ')
}

function tellRefused(refused: readonly Covered[]): string {
  const one = refused.length === 1
  const does = [
    ...(refused.some(({ effect }) => effect === 'tunes')
      ? [one ? 'changes shared settings' : 'change shared settings']
      : []),
    ...(refused.some(({ effect }) => effect === 'disrupts')
      ? [one ? 'evicts or kills pods' : 'evict or kill pods']
      : []),
  ]
  return `that ${does.join(', ')} ${one ? 'was' : 'were'} not allowed`
}

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`

/** The verdict with its waivers: 'certified with 2 waivers'. */
export function headlineOf({ verdict, waivers }: Pick<Report, 'verdict' | 'waivers'>): string {
  const used = waivers.filter(({ state }) => state === 'used').length
  if (!used || !verdict.startsWith('certified')) return verdict
  return `${verdict} ${verdict === 'certified' ? 'with' : 'and'} ${counted(used, 'waiver')}`
}
