import type { KubernetesObject } from '../core/object.ts'
import { objectName } from './object-id.ts'
import { allTrue, type Condition } from './until.ts'

/**
 * The condition that every workload (Deployment, DaemonSet, StatefulSet, ReplicaSet, Rollout) is at its newest
 * template, with all the pods that it wants Ready and none of an older one.
 */
export const isRolledOut: Condition = (workloads) => {
  if (workloads.length === 0) return allTrue('Available')(workloads)
  return workloads.map(missingPods).find((missing) => missing !== undefined)
}

/** As isRolledOut; what somebody deleted meanwhile is waited for by nobody. */
export const isRolledOutOrGone: Condition = (workloads) => (workloads.length ? isRolledOut(workloads) : undefined)

/** What a workload lacks; undefined for one that has all, and for kinds that say nothing of their pods. */
function missingPods(workload: KubernetesObject): string | undefined {
  const { kind, metadata, spec, status = {} } = workload
  const count = (field: string) => Number(status[field] ?? 0)
  const wanted = kind === 'DaemonSet' ? count('desiredNumberScheduled') : Number(spec?.replicas ?? 1)
  const told = (counts: number[], ready: number) =>
    counts.every((each) => each === wanted) ? undefined : `${objectName(workload)} has ${ready} of ${wanted} pods Ready`
  const seen = Number(status.observedGeneration ?? metadata?.generation ?? 0)
  const unseen =
    seen < Number(metadata?.generation ?? 0)
      ? `${objectName(workload)}: its controller has not seen its spec`
      : undefined
  switch (kind) {
    case 'Deployment':
      return (
        allTrue('Available')([workload]) ??
        told([count('replicas'), count('readyReplicas'), count('updatedReplicas')], count('readyReplicas'))
      )
    case 'DaemonSet':
      // With updateStrategy OnDelete pods of an older template are meant to stay.
      return (
        unseen ??
        told(
          [count('numberReady'), spec?.updateStrategy?.type === 'OnDelete' ? wanted : count('updatedNumberScheduled')],
          count('numberReady'),
        )
      )
    case 'StatefulSet':
    case 'ReplicaSet':
    case 'Rollout':
      return unseen ?? told([count('readyReplicas')], count('readyReplicas'))
    default:
      return undefined
  }
}
