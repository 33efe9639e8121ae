import leven from 'leven'
import { nearestKey } from '../config/nearest-key.ts'
import { patternOf, type Waiver } from '../config/waiver-schema.ts'
import { UsageProblem } from '../core/problem.ts'
import type { Waived } from '../core/record.ts'

/** Whether a waiver has ended: it holds to the end of its last day, in UTC. */
export const isOver = ({ until }: Pick<Waiver, 'until'>, now: Date): boolean => now.toISOString().slice(0, 10) > until

/** A waiver's `match` in one line. */
export const tellMatch = ({ match }: Pick<Waiver, 'match'>): string =>
  typeof match === 'string' ? match : [match.code, match.object].filter(Boolean).join(' ')

/** Whether a finding is the one that a waiver is about. */
export function isAbout({ match }: Pick<Waiver, 'match'>, finding: string): boolean {
  if (typeof match === 'string') return patternOf(match)?.test(finding) ?? finding.includes(match)
  return [match.code, match.object].every((part) => part === undefined || hasWord(finding, part))
}

/** Whether a text has a name that is not a part of a longer one. */
const hasWord = (text: string, word: string): boolean => {
  const [before = '', ...others] = text.split(word)
  let left = before
  return others.some((right) => {
    const isWhole = !/[\w./-]$/.test(left) && !/^[\w/-]|^\.\w/.test(right)
    left += word + right
    return isWhole
  })
}

/** What accepts findings of one check, by the waivers that have not ended. Gives undefined for a finding of none. */
export function acceptance(
  waivers: readonly Waiver[],
  check: string,
  now: Date,
): (finding: string) => Waived | undefined {
  const holding = waivers.flatMap((waiver, at) =>
    waiver.check === check && !isOver(waiver, now) ? [{ ...waiver, number: at }] : [],
  )
  return (finding) => {
    const waiver = holding.find((each) => isAbout(each, finding))
    return waiver && { finding, waiver: waiver.number, because: waiver.because, until: waiver.until }
  }
}

/**
 * Refuses a waiver for what is no check.
 * @throws UsageProblem with its line, and the nearest id
 */
export function requireKnownChecks(waivers: readonly Waiver[], ids: readonly string[]): void {
  for (const [number, { check, at }] of waivers.entries()) {
    if (ids.includes(check)) continue
    const nearest = nearestKey(check, ids)
    const meant = leven(nearest, check) <= Math.max(2, check.length / 2) ? ` Did you mean "${nearest}"?` : ''
    throw new UsageProblem(
      `${at ?? 'stack.yaml'}: waive[${number}].check: "${check}" is not a check.${meant} ` +
        'plumbline list shows all checks.',
    )
  }
}
