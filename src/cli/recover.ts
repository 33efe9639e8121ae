import { ClusterProblem, plainMessage, UsageProblem } from '../core/problem.ts'
import { setDeadlineFactor } from '../core/deadlines.ts'
import { journalFile, processOf, readRunInfo, readRuns, type RunInfo } from '../config/run-info.ts'
import { Journal } from '../cluster/journal.ts'
import { loadKubeConfig } from '../kube/connection.ts'
import { Kubernetes } from '../kube/kubernetes.ts'
import { nameOfId } from '../kube/object-id.ts'
import { livingRuns } from '../cluster/run-lease.ts'
import { undoAll } from '../cluster/undo.ts'

/** How many changes of a run were still open, and how many of them still are. */
interface Recovered {
  open: number
  left: number
}

/**
 * plumbline recover: undoes what the journals of ended runs still hold open. A run that cannot be read, or whose
 * cluster does not answer, does not stop the others. Gives 0 where nothing is left, else 2.
 */
export async function recover(id: string | undefined): Promise<number> {
  const { runs, unreadable } = id ? { runs: [readRunInfo(id)], unreadable: [] } : readRuns()
  const total: Recovered = { open: 0, left: 0 }
  for (const run of unreadable) {
    const open = new Journal(journalFile(run.id)).pending().length
    console.log(run.problem)
    total.open += open
    total.left += open
  }
  for (const run of runs) {
    const { open, left } = await recoverRun(run, id !== undefined)
    total.open += open
    total.left += left
  }
  console.log(total.open === 0 ? 'nothing to recover' : `${total.open - total.left} of ${total.open} changes undone`)
  return total.left === 0 ? 0 : 2
}

async function recoverRun(run: RunInfo, isNamed: boolean): Promise<Recovered> {
  const none: Recovered = { open: 0, left: 0 }
  // A twin is gone with its run, and what was in it.
  if (run.config.target === 'twin') return none
  setDeadlineFactor(run.config.deadlines.factor)
  const journal = new Journal(journalFile(run.id))
  const open = journal.pending().length + journal.damage().length
  const where = open || isNamed ? await whereItRuns(run) : undefined
  if (where) {
    const running = `run ${run.id} is still running on ${where}: left alone`
    if (isNamed) throw new UsageProblem(`${running}. It undoes its changes when it ends; Ctrl-C ends it early.`)
    console.log(running)
    return none
  }
  if (open === 0) return none
  console.log(`run ${run.id} on ${run.context}:`)
  const left = await undoRun(run, journal)
  for (const problem of left) console.log(`  ${problem}`)
  return { open, left: Math.min(open, left.length) }
}

/**
 * Where a run is still running, or undefined where it is not. Its process tells where the run was started here; else
 * its Lease, as far as the cluster answers.
 */
async function whereItRuns(run: RunInfo): Promise<string | undefined> {
  const state = processOf(run)
  if (state === 'gone') return undefined
  if (state === 'alive') return `this machine (process ${run.pid})`
  if (!run.lease) return undefined
  try {
    const found = (await onCluster(run, livingRuns)).find((living) => living.run === run.id)
    return found && `${found.host} (renewed ${found.renewedSecondsAgo} s ago)`
  } catch (problem) {
    if (!isExpected(problem)) throw problem
    return undefined
  }
}

/** Undoes a run; gives a sentence for each change that stays. */
async function undoRun(run: RunInfo, journal: Journal): Promise<string[]> {
  try {
    return await onCluster(run, (api) => undoAll(api, journal, (what) => console.log(`  ${what}`)))
  } catch (problem) {
    if (!isExpected(problem)) throw problem
    return journal.pending().map(({ object }) => `${nameOfId(object)}: ${plainMessage(problem)}`)
  }
}

async function onCluster<T>(run: RunInfo, work: (api: Kubernetes) => Promise<T>): Promise<T> {
  const kubeConfig = loadKubeConfig(run.config.kubeconfig, run.context)
  try {
    return await work(new Kubernetes(kubeConfig))
  } finally {
    await kubeConfig.close()
  }
}

const isExpected = (problem: unknown): boolean => problem instanceof ClusterProblem || problem instanceof UsageProblem
