import { loadCatalogue, select } from '../check/catalogue.ts'
import { requireKnownChecks } from '../check/waivers.ts'
import type { Waiver } from '../config/waiver-schema.ts'
import type { ThreadWork } from './in-thread.ts'

/** The names of checks in what a user gave: by --only, and in the waivers of the stack file. */
export interface Named {
  only: string[]
  waive: Waiver[]
}

/**
 * Looks the names of checks up before anything is started: the work of a thread. Gives the ids of those of --only.
 * @throws UsageProblem for a name that is no suite, effect or check
 */
export const work: ThreadWork<Named, string[]> = async ({ only, waive }) => {
  const catalogue = await loadCatalogue()
  requireKnownChecks(
    waive,
    catalogue.map(({ id }) => id),
  )
  return select(catalogue, only).map(({ id }) => id)
}
