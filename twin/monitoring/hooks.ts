import { Hook } from '../hook.ts'

export class MonitoringHooks {
  /** The number of series that Prometheus has of a metric of cert-manager. */
  readonly certManagerSeries = new Hook<number>()
}
