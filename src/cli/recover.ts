import { UsageProblem } from '../core/problem.ts'
import { setDeadlineFactor } from '../core/deadlines.ts'
import { isRunning, journalFile, readRunInfo, runIds, type RunInfo } from '../config/run-info.ts'
import { Journal } from '../cluster/journal.ts'
import { loadKubeConfig } from '../kube/connection.ts'
import { Kubernetes } from '../kube/kubernetes.ts'
import { undoAll } from '../cluster/undo.ts'

/** plumbline recover: undoes what the journals of ended runs still hold open. Gives 0 where nothing is left. */
export async function recover(id: string | undefined): Promise<number> {
  const runs = (id ? [id] : runIds()).map(readRunInfo)
  if (id && runs[0] && isRunning(runs[0])) {
    throw new UsageProblem(
      `Run ${runs[0].id} still goes on (process ${runs[0].pid}): stop it first, it undoes what it did.`,
    )
  }
  let open = 0
  let left = 0
  // A twin is gone with its run, and what was in it.
  for (const run of runs.filter((each) => !isRunning(each) && each.config.target !== 'twin')) {
    const pending = new Journal(journalFile(run.id)).pending()
    if (pending.length === 0) continue
    open += pending.length
    left += await recoverRun(run)
  }
  console.log(open === 0 ? 'nothing to recover' : `${open - left} of ${open} undone`)
  return left === 0 ? 0 : 2
}

async function recoverRun(run: RunInfo): Promise<number> {
  setDeadlineFactor(run.config.deadlines.factor)
  console.log(`run ${run.id} on ${run.context}:`)
  const kubeConfig = loadKubeConfig(run.config.kubeconfig, run.context)
  try {
    const left = await undoAll(new Kubernetes(kubeConfig), new Journal(journalFile(run.id)), (what) =>
      console.log(`  ${what}`),
    )
    for (const each of left) console.log(`  ${each}`)
    return left.length
  } finally {
    await kubeConfig.close()
  }
}
