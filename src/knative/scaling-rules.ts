import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { goDuration } from './go-duration.ts'
import { AUTOSCALER_SETTINGS, effective } from './settings.ts'
import { POD_AUTOSCALER } from '../kube/kinds.ts'
import type { RevisionName } from './revision.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Knative } from './knative.ts'

/** How a revision scales: its own annotations, else the cluster's settings. Times are in seconds. */
export interface ScalingRules {
  metric: 'concurrency' | 'rps'
  /** The load that one pod can take. */
  total: number
  /** The load that one pod should have: total x utilization. */
  target: number
  stableWindow: number
  panicWindow: number
  /** Panic begins when the pods needed reach this multiple of the Ready pods. */
  panicThreshold: number
  maxUpRate: number
  maxDownRate: number
  minScale: number
  /** 0 is unlimited. */
  maxScale: number
  burstCapacity: number
}

/**
 * Reads the rules of a revision from its PodAutoscaler and config-autoscaler: knative/serving,
 * pkg/reconciler/autoscaling/resources/target.go and pkg/autoscaler/config, the same from 1.9 to 1.23.
 * @throws StackFailure if the revision is scaled by another class of autoscaler
 */
export async function scalingRules(
  stack: Cluster & { knative: Knative },
  { namespace, revision }: RevisionName,
): Promise<ScalingRules> {
  const podAutoscaler = await stack.k8s.get(POD_AUTOSCALER, revision, namespace)
  return rulesOf(podAutoscaler, await stack.knative.settings('config-autoscaler'))
}

/** The rules that follow from a PodAutoscaler and the settings of config-autoscaler. */
export function rulesOf(podAutoscaler: KubernetesObject, settings: Record<string, string>): ScalingRules {
  const own = (key: string) => podAutoscaler.metadata?.annotations?.[`autoscaling.knative.dev/${key}`]
  const set = (key: string) => effective(settings, AUTOSCALER_SETTINGS, key)
  const ownOrSet = (annotation: string, key = annotation) => own(annotation) ?? set(key)
  const seconds = (value: string) => (goDuration(value) ?? 0) / 1000
  if (own('class') && own('class') !== 'kpa.autoscaling.knative.dev')
    throw new StackFailure(
      `PodAutoscaler ${podAutoscaler.metadata?.namespace}/${podAutoscaler.metadata?.name}: ` +
        `annotation autoscaling.knative.dev/class is ${own('class')}, expected kpa.autoscaling.knative.dev.`,
    )
  const rps = own('metric') === 'rps'
  const limit = Number(podAutoscaler.spec?.containerConcurrency ?? 0)
  const ownTarget = own('target')
  let total = rps
    ? Number(set('requests-per-second-target-default'))
    : limit || Number(set('container-concurrency-target-default'))
  if (ownTarget !== undefined) total = !rps && limit > 0 ? Math.min(Number(ownTarget), limit) : Number(ownTarget)
  const share = Number(set('container-concurrency-target-percentage'))
  const percentage = own('target-utilization-percentage')
  // The utilization of rps has no key. That of concurrency may be written as 70 or as 0.7.
  const utilization = percentage ? Number(percentage) / 100 : rps ? 0.7 : share > 1 ? share / 100 : share
  const stableWindow = seconds(ownOrSet('window', 'stable-window'))
  return {
    metric: rps ? 'rps' : 'concurrency',
    total,
    target: Math.max(0.01, total * utilization),
    stableWindow,
    panicWindow: Math.max(1, Math.round((stableWindow * Number(ownOrSet('panic-window-percentage'))) / 100)),
    panicThreshold: Number(ownOrSet('panic-threshold-percentage')) / 100,
    maxUpRate: Number(set('max-scale-up-rate')),
    maxDownRate: Number(set('max-scale-down-rate')),
    minScale: Number(ownOrSet('min-scale')),
    maxScale: Number(ownOrSet('max-scale')),
    burstCapacity: Number(ownOrSet('target-burst-capacity')),
  }
}

/** The settings of config-autoscaler in this cluster that bound what a check may expect. */
export async function autoscalerLimits(stack: {
  knative: Knative
}): Promise<{ graceSeconds: number; retentionSeconds: number; maxDownRate: number; maxUpRate: number }> {
  const settings = await stack.knative.settings('config-autoscaler')
  const value = (key: string) => effective(settings, AUTOSCALER_SETTINGS, key)
  return {
    graceSeconds: (goDuration(value('scale-to-zero-grace-period')) ?? 0) / 1000,
    retentionSeconds: (goDuration(value('scale-to-zero-pod-retention-period')) ?? 0) / 1000,
    maxDownRate: Number(value('max-scale-down-rate')),
    maxUpRate: Number(value('max-scale-up-rate')),
  }
}
