import { rmSync } from 'node:fs'
import { Journal } from '../cluster/journal.ts'
import { keepLease } from '../cluster/run-lease.ts'
import { undoAll } from '../cluster/undo.ts'
import { journalFile, runFolder, writeRunInfo, type RunInfo } from '../config/run-info.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { loadKubeConfig } from '../kube/connection.ts'
import { Kubernetes } from '../kube/kubernetes.ts'
import { prepareRun } from './prepare.ts'

/** Does work, one trial after the other, as a run of its own, whose Lease in the cluster it holds meanwhile. */
export async function inLane<T>(config: StackConfig, work: (run: RunInfo) => Promise<T>): Promise<T> {
  const run = await prepareRun({ config, only: [], allowDisruption: true })
  const kubeConfig = loadKubeConfig(run.config.kubeconfig, run.context)
  const api = new Kubernetes(kubeConfig)
  const stopRenewing = run.lease ? keepLease(api, run.id) : undefined
  try {
    return await work(run)
  } finally {
    stopRenewing?.()
    if (run.lease) await undoAll(api, new Journal(journalFile(run.id)), () => undefined)
    await kubeConfig.close()
    endLane(run)
  }
}

/** A lane's run is no run of its own: its folder goes, but for one that still holds what could not be put back. */
function endLane(run: RunInfo): void {
  writeRunInfo({ ...run, endedAt: new Date().toISOString() })
  if (run.config.target === 'twin') rmSync(runFolder(run.id), { recursive: true, force: true })
}
