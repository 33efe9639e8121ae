import { annotation, type AutoscalerSettings } from './settings.ts'

// The autoscaler's arithmetic, formula for formula: knative/serving, pkg/autoscaler/scaling/autoscaler.go (Scale) and
// pkg/reconciler/autoscaling/resources/target.go, the same from 1.9 to 1.23.

export interface Targets {
  /** What one pod takes at most, by the settings. */
  total: number
  /** What one pod should have: total x utilization. */
  target: number
}

/** What a pod of a revision is to carry. */
export function targetsOf(
  settings: AutoscalerSettings,
  annotations: Readonly<Record<string, string>> | undefined,
  containerConcurrency: number,
): Targets {
  const rps = annotation(annotations, 'metric') === 'rps'
  const given = annotation(annotations, 'target')
  const utilization = annotation(annotations, 'target-utilization-percentage')
  let total = rps ? settings.rpsTarget : containerConcurrency || settings.concurrencyTarget
  if (given !== undefined)
    total = !rps && containerConcurrency > 0 ? Math.min(Number(given), containerConcurrency) : Number(given)
  const share = utilization === undefined ? (rps ? 0.7 : settings.concurrencyUtilization) : Number(utilization) / 100
  return { total, target: Math.max(0.01, total * share) }
}

/** The panic window in seconds: a share of the stable one, to the second, at least one. */
export const panicWindowOf = (settings: AutoscalerSettings): number =>
  Math.max(1, Math.round((settings.stableWindow * settings.panicWindowPercentage) / 100))

export interface Decision {
  desired: number
  desiredStable: number
  desiredPanic: number
  excessBurstCapacity: number
  overThreshold: boolean
}

/** The scale that the averages ask for, within its rates and before panic mode holds it, and the capacity to spare. */
export function decide(
  settings: AutoscalerSettings,
  { total, target }: Targets,
  seen: { ready: number; stable: number; panic: number; reachable: boolean },
): Decision {
  const ready = Math.max(1, seen.ready)
  const low = seen.reachable ? Math.floor(ready / settings.maxScaleDownRate) : 0
  const high = Math.ceil(settings.maxScaleUpRate * ready)
  const clamp = (value: number) => Math.min(high, Math.max(low, value))
  const [stable, panic] = [Math.ceil(seen.stable / target), Math.ceil(seen.panic / target)]
  const { burstCapacity } = settings
  return {
    desired: clamp(stable),
    desiredStable: clamp(stable),
    desiredPanic: clamp(panic),
    overThreshold: panic / ready >= settings.panicThresholdPercentage / 100,
    excessBurstCapacity:
      burstCapacity === 0 ? 0 : burstCapacity > 0 ? Math.floor(seen.ready * total - burstCapacity - seen.panic) : -1,
  }
}

/** How many activators a revision is given. */
export const activatorsFor = (settings: AutoscalerSettings, total: number, ready: number): number =>
  settings.burstCapacity === 0
    ? 2
    : Math.max(2, Math.ceil((ready * total + Math.max(settings.burstCapacity, 0)) / settings.activatorCapacity))
