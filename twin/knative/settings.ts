import type { Objects } from '../api/objects.ts'
import { goDuration } from '../go-duration.ts'

/** One of Knative's ConfigMaps, without its _example. */
export function readConfig(objects: Objects, name: string): Record<string, string> {
  const { _example, ...data } = (objects.get('configmaps', name, objects.layout.knative.namespace)?.data ??
    {}) as Record<string, string>
  return data
}

/** The autoscaler's settings, defaults filled in (pkg/autoscaler/config/config.go). Times are in seconds. */
export interface AutoscalerSettings {
  concurrencyTarget: number
  concurrencyUtilization: number
  rpsTarget: number
  burstCapacity: number
  stableWindow: number
  panicWindowPercentage: number
  panicThresholdPercentage: number
  maxScaleUpRate: number
  maxScaleDownRate: number
  initialScale: number
  minScale: number
  maxScale: number
  scaleDownDelay: number
  enableScaleToZero: boolean
  gracePeriod: number
  retention: number
  activatorCapacity: number
}

export function autoscalerSettings(data: Readonly<Record<string, string>>): AutoscalerSettings {
  const number = (key: string, fallback: number) => Number(data[key] ?? fallback)
  const seconds = (key: string, fallback: string) => (goDuration(data[key] ?? fallback) ?? 0) / 1000
  const percentage = number('container-concurrency-target-percentage', 70)
  return {
    concurrencyTarget: number('container-concurrency-target-default', 100),
    concurrencyUtilization: percentage > 1 ? percentage / 100 : percentage,
    rpsTarget: number('requests-per-second-target-default', 200),
    burstCapacity: number('target-burst-capacity', 211),
    stableWindow: seconds('stable-window', '60s'),
    panicWindowPercentage: number('panic-window-percentage', 10),
    panicThresholdPercentage: number('panic-threshold-percentage', 200),
    maxScaleUpRate: number('max-scale-up-rate', 1000),
    maxScaleDownRate: number('max-scale-down-rate', 2),
    initialScale: number('initial-scale', 1),
    minScale: number('min-scale', 0),
    maxScale: number('max-scale', 0),
    scaleDownDelay: seconds('scale-down-delay', '0s'),
    enableScaleToZero: data['enable-scale-to-zero'] !== 'false',
    gracePeriod: seconds('scale-to-zero-grace-period', '30s'),
    retention: seconds('scale-to-zero-pod-retention-period', '0s'),
    activatorCapacity: number('activator-capacity', 100),
  }
}

const AUTOSCALING = 'autoscaling.knative.dev/'

/** An autoscaling annotation, by its name or the older spelling of it; the newer one wins (kmap.KeyPriority). */
export function annotation(
  annotations: Readonly<Record<string, string>> | undefined,
  name: string,
): string | undefined {
  const camel = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  return annotations?.[`${AUTOSCALING}${name}`] ?? annotations?.[`${AUTOSCALING}${camel}`]
}

/** The settings of one revision: the cluster's, its annotations laid over. */
export function revisionSettings(
  cluster: AutoscalerSettings,
  annotations: Readonly<Record<string, string>> | undefined,
): AutoscalerSettings {
  const number = (name: string, fallback: number) => Number(annotation(annotations, name) ?? fallback)
  const seconds = (name: string, fallback: number) => {
    const given = annotation(annotations, name)
    return given === undefined ? fallback : (goDuration(given) ?? 0) / 1000
  }
  return {
    ...cluster,
    burstCapacity: number('target-burst-capacity', cluster.burstCapacity),
    stableWindow: seconds('window', cluster.stableWindow),
    panicWindowPercentage: number('panic-window-percentage', cluster.panicWindowPercentage),
    panicThresholdPercentage: number('panic-threshold-percentage', cluster.panicThresholdPercentage),
    initialScale: number('initial-scale', cluster.initialScale),
    minScale: number('min-scale', cluster.minScale),
    maxScale: number('max-scale', cluster.maxScale),
    scaleDownDelay: seconds('scale-down-delay', cluster.scaleDownDelay),
    retention: seconds('scale-to-zero-pod-retention-period', cluster.retention),
  }
}
