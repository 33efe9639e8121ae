import type { KubernetesObject } from '../core/object.ts'
import { NotLookedAt } from '../core/problem.ts'
import { selectedByService } from '../kube/selector.ts'
import { valueOr } from './fact.ts'
import { ownerOf } from './owner.ts'
import type { Readings } from './readings.ts'
import type { Workload } from './survey.ts'
import { versionOfWorkload } from './version-of.ts'

const HPA = 'autoscaling/v2/HorizontalPodAutoscaler'

/** A Deployment, DaemonSet, StatefulSet or Rollout as the survey has it. */
export async function workloadOf(object: KubernetesObject, readings: Readings): Promise<Workload> {
  const { name = '', namespace = '' } = object.metadata ?? {}
  const kind = object.kind as Workload['kind']
  const hpa = (await autoscalers(readings)).find(
    ({ metadata, spec }) =>
      metadata?.namespace === namespace && spec?.scaleTargetRef?.kind === kind && spec.scaleTargetRef.name === name,
  )
  const owner = ownerOf(object)
  const version = valueOr(versionOfWorkload(object), undefined)
  const replicas = kind === 'DaemonSet' ? object.status?.desiredNumberScheduled : object.spec?.replicas
  return {
    ...{ namespace, name, kind },
    replicas: Number(replicas ?? (kind === 'DaemonSet' ? 0 : 1)),
    podLabels: (object.spec?.template?.metadata?.labels ?? {}) as Record<string, string>,
    selector: (object.spec?.selector?.matchLabels ?? {}) as Record<string, string>,
    ...(version ? { version } : {}),
    ...(hpa
      ? {
          hpa: {
            name: hpa.metadata?.name ?? '',
            min: Number(hpa.spec?.minReplicas ?? 1),
            max: Number(hpa.spec?.maxReplicas),
          },
        }
      : {}),
    ...(owner ? { owner } : {}),
  }
}

/** Whether a pod is one of a workload, by its selector. */
export const isPodOf = ({ namespace, selector, podLabels }: Workload, { metadata }: KubernetesObject): boolean =>
  metadata?.namespace === namespace &&
  selectedByService({ ...(Object.keys(selector).length ? selector : podLabels) }, metadata.labels ?? {})

/** The HorizontalPodAutoscalers, or none where we may not list them: then a workload wants what its spec says. */
async function autoscalers(readings: Readings): Promise<KubernetesObject[]> {
  try {
    return await readings.list(HPA)
  } catch (problem) {
    if (problem instanceof NotLookedAt) return []
    throw problem
  }
}
