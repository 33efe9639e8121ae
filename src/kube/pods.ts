import type { KubernetesObject } from '../core/object.ts'
import type { Kubernetes } from './kubernetes.ts'
import { objectName } from './object-id.ts'
import { conditionOf, missingCondition, podTrouble } from './until.ts'

/**
 * Whether a pod counts as one of its workload. Leftovers do not: those on their way out, those that are over (Failed
 * ones stay where a node was shut down or an eviction made room, until somebody removes them), and those of a Job.
 */
export const isAlive = ({ metadata, status }: KubernetesObject): boolean =>
  !metadata?.deletionTimestamp &&
  status?.phase !== 'Failed' &&
  status?.phase !== 'Succeeded' &&
  !(metadata?.ownerReferences ?? []).some(({ kind }) => kind === 'Job')

/** The pods that count: no leftovers. */
export const alivePods = (pods: readonly KubernetesObject[]): KubernetesObject[] => pods.filter(isAlive)

export const readyPods = (pods: readonly KubernetesObject[]): KubernetesObject[] =>
  alivePods(pods).filter((pod) => conditionOf(pod, 'Ready')?.status === 'True')

/** A sentence for each pod that is not Ready, with the kubelet's or the scheduler's reason; leftovers are not told. */
export const readinessTroubles = (pods: readonly KubernetesObject[]): string[] =>
  alivePods(pods)
    .filter((pod) => conditionOf(pod, 'Ready')?.status !== 'True')
    .map(
      (pod) =>
        podTrouble(pod) ||
        `${pod.metadata?.name}: ${conditionOf(pod, 'Ready')?.message ?? pod.status?.phase ?? 'no status'}`,
    )

/** What a Deployment lacks to do its work; one of zero replicas is Available to Kubernetes, and does nothing. */
export function deploymentTroubles(deployment: KubernetesObject): string[] {
  const name = objectName(deployment)
  const wanted = (deployment.spec?.replicas ?? 0) as number
  const ready = (deployment.status?.readyReplicas ?? 0) as number
  if (wanted === 0) return [`${name} asks for 0 replicas`]
  const missing = missingCondition(deployment, 'Available')
  return [
    ...(missing ? [missing] : []),
    ...(ready < wanted ? [`${name} has ${ready} of ${wanted} replicas Ready`] : []),
  ]
}

/** A sentence for each container that ended and was started again within the last `minutes`. */
export function recentRestarts(pods: readonly KubernetesObject[], minutes: number, now = Date.now()): string[] {
  return alivePods(pods).flatMap((pod) =>
    ((pod.status?.containerStatuses ?? []) as KubernetesObject[]).flatMap((container) => {
      const ended = container.lastState?.terminated as
        { finishedAt?: string; reason?: string; exitCode?: number } | undefined
      const age = ended?.finishedAt ? now - new Date(ended.finishedAt).getTime() : Infinity
      if (!container.restartCount || age > minutes * 60_000) return []
      return [
        `${pod.metadata?.name} ${container.name}: ended ${Math.round(age / 1000)} s ago ` +
          `(${ended?.reason ?? ''}, exit code ${ended?.exitCode ?? '?'}), ${container.restartCount} restarts`,
      ]
    }),
  )
}

/**
 * Which pods there are now, by uid, and how often their containers have restarted: what shows that none was replaced or
 * restarted.
 */
export async function podLives(pods: readonly KubernetesObject[], api: Kubernetes): Promise<Record<string, number>> {
  const now = await Promise.all(
    pods.map(({ metadata }) => api.get('v1/Pod', metadata?.name ?? '', metadata?.namespace)),
  )
  return Object.fromEntries(
    now.map(({ metadata, status }) => [
      `${metadata?.name} ${metadata?.uid}`,
      ((status?.containerStatuses ?? []) as { restartCount: number }[]).reduce(
        (sum, each) => sum + each.restartCount,
        0,
      ),
    ]),
  )
}
