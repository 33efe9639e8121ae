import type { Check } from '../check/check.ts'
import { plainMessage, UsageProblem } from '../core/problem.ts'
import { EFFECTS, type Effect } from '../core/record.ts'
import { isSomebodys, journalFile, type RunInfo } from '../config/run-info.ts'
import { Journal } from '../cluster/journal.ts'
import { changesCluster, livingRuns, takeLease } from '../cluster/run-lease.ts'
import { undoAll } from '../cluster/undo.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'

/** The most that a run does to its cluster: on one that is not ours, what is not allowed is skipped. */
export function effectOfRun(run: Pick<RunInfo, 'config' | 'allowDisruption'>, checks: readonly Check[]): Effect {
  const skipped = isSomebodys(run.config.target) && !run.allowDisruption
  const effects = checks.map(({ effect }) => effect).filter((effect) => !(skipped && changesCluster(effect)))
  return EFFECTS.findLast((effect) => effects.includes(effect)) ?? 'reads'
}

/**
 * Takes a run's Lease, so that others see that it goes on, and makes sure that no other run changes the cluster where
 * this one will. A run that only reads makes nothing in the cluster, and a twin is its run's alone: they take none.
 * Gives whether it has one; where the cluster does not allow it, `tell` hears why, and the run goes on without.
 * @throws UsageProblem where another run changes the cluster
 */
export async function claimCluster(
  api: Kubernetes,
  run: RunInfo,
  effect: Effect,
  tell: (what: string) => void,
): Promise<boolean> {
  if (run.config.target === 'twin' || effect === 'reads') return false
  const journal = new Journal(journalFile(run.id))
  try {
    await takeLease(api, journal, { id: run.id, effect, ours: run.config.ours })
    // Both of two runs that start at once have a Lease before they look: the one that began later gives way.
    const living = await livingRuns(api)
    const before = living.slice(
      0,
      living.findIndex((each) => each.run === run.id),
    )
    const other = changesCluster(effect) && before.find((each) => changesCluster(each.effect))
    if (!other) return true
    const since = other.since.toTimeString().slice(0, 5)
    throw new UsageProblem(
      `Run ${other.run} of ${other.host} is changing this cluster since ${since}: wait until it ends, ` +
        'or run only checks that change nothing of others: --only reads,writes.',
    )
  } catch (problem) {
    const left = await undoAll(api, journal, () => undefined)
    for (const each of left) tell(each)
    if (problem instanceof UsageProblem) throw problem
    tell(`This run has no Lease in the cluster, so runs on other machines cannot see it: ${plainMessage(problem)}`)
    return false
  }
}
