import type { ComponentDefects } from '../hook.ts'
import type { MonitoringHooks } from './hooks.ts'

export const MONITORING_DEFECTS = {
  // Prometheus does not scrape cert-manager.
  'cert-manager-unscraped': ({ certManagerSeries }, defect) => certManagerSeries.alter(defect, () => 0),
} satisfies ComponentDefects<MonitoringHooks>
