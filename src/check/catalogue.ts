import { globSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import leven from 'leven'
import { declaredChecks, type Check } from './check.ts'
import { deadlines } from '../core/deadlines.ts'
import { UsageProblem } from '../core/problem.ts'
import { EFFECTS, SUITES, type Suite } from '../core/record.ts'
import { nearestKey } from '../config/nearest-key.ts'

const SUITES_FOLDER = join(import.meta.dirname, '..', '..', 'suites')

/**
 * Loads the check files of the suites (all of them where none is named) and gives their checks in the order of work.
 */
export async function loadCatalogue(suites: readonly Suite[] = SUITES): Promise<Check[]> {
  for (const suite of suites) {
    const files = globSync('*.check.ts', { cwd: join(SUITES_FOLDER, suite) }).toSorted()
    for (const file of files) await import(pathToFileURL(join(SUITES_FOLDER, suite, file)).href)
  }
  return orderOfWork(declaredChecks().filter((check) => suites.includes(check.suite)))
}

const runsAlone = (check: Check): boolean => check.effect === 'tunes' || check.effect === 'disrupts'

/**
 * Orders checks so that each comes after what it needs, suite by suite, those that run alone last in their suite and
 * those that may take long first, so that nobody waits for them alone at the end.
 * @throws Error naming the check whose needs are unknown, circular, or only run after it
 */
export function orderOfWork(checks: readonly Check[]): Check[] {
  const byId = new Map(checks.map((check) => [check.id, check]))
  const suitesGiven = new Set(checks.map((check) => check.suite))
  const done = new Map<string, Check>()
  const rank = (check: Check) => SUITES.indexOf(check.suite) * 2 + (runsAlone(check) ? 1 : 0)

  const place = (check: Check, path: string[]): void => {
    if (done.has(check.id)) return
    if (path.includes(check.id)) throw new Error(`checks need each other: ${[...path, check.id].join(' -> ')}`)
    for (const id of check.needs ?? []) {
      const need = byId.get(id)
      const suite = SUITES.find((name) => id.startsWith(`${name}/`))
      if (!need && (!suite || suitesGiven.has(suite))) throw new Error(`${check.id} needs ${id}, which is no check`)
      if (!need) continue
      if (rank(need) > rank(check)) throw new Error(`${check.id} needs ${id}, which only runs after it`)
      place(need, [...path, check.id])
    }
    done.set(check.id, check)
  }
  const long = (check: Check) => deadlines[check.within ?? 'check']
  for (const check of checks.toSorted((a, b) => rank(a) - rank(b) || long(b) - long(a))) place(check, [])
  return [...done.values()].toSorted((a, b) => rank(a) - rank(b))
}

/**
 * The checks that `only` names (suites, effects or ids) and all that they need, in the order of work.
 * @throws UsageProblem naming what is no suite, effect or check, with the nearest that is
 */
export function select(checks: readonly Check[], only: readonly string[]): Check[] {
  const wanted = new Set<string>()
  const byId = new Map(checks.map((check) => [check.id, check]))
  const add = (id: string): void => {
    if (wanted.has(id)) return
    wanted.add(id)
    for (const need of byId.get(id)?.needs ?? []) add(need)
  }
  for (const name of only) {
    const matching = checks.filter(
      (check) =>
        check.id === name || check.suite === name || (EFFECTS.includes(name as never) && check.effect === name),
    )
    if (matching.length === 0) {
      const nearest = nearestKey(name, [...SUITES, ...EFFECTS, ...byId.keys()])
      const meant = leven(nearest, name) <= Math.max(2, name.length / 2) ? ` Did you mean "${nearest}"?` : ''
      throw new UsageProblem(`"${name}" is not a suite, an effect or a check.${meant} plumbline list shows all checks.`)
    }
    for (const check of matching) add(check.id)
  }
  return checks.filter((check) => wanted.has(check.id))
}
