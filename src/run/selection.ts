import { loadCatalogue, select } from '../check/catalogue.ts'
import type { ThreadWork } from './in-thread.ts'

/**
 * Chooses checks by the names that --only has, before anything is started: the work of a thread. Gives their ids.
 * @throws UsageProblem for a name that is no suite, effect or check
 */
export const work: ThreadWork<string[], string[]> = async (only) =>
  select(await loadCatalogue(), only).map(({ id }) => id)
