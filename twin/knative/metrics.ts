import type { RequestListener } from 'node:http'
import type { Objects } from '../api/objects.ts'
import type { Autoscaler } from './autoscaler.ts'
import { POD_AUTOSCALERS, revisionKey } from './kinds.ts'

type Sample = [name: string, labels: Record<string, string>, value: number]

const write = (samples: Sample[]): string =>
  [...Map.groupBy(samples, ([name]) => name)]
    .map(([name, all]) => {
      const lines = all.map(
        ([, labels, value]) =>
          `${name}{${Object.entries(labels)
            .map(([key, of]) => `${key}="${of}"`)
            .join(',')}} ${value}`,
      )
      return [`# TYPE ${name} gauge`, ...lines].join('\n')
    })
    .join('\n')

/**
 * Serves a component's metrics in Prometheus's text, under the names of its version: OpenCensus's until 1.18,
 * OpenTelemetry's since, which are exported only where config-observability said so when the pod started.
 */
export function serveMetrics(version: string, exported: boolean, samples: () => Sample[]): RequestListener {
  const old = Number(version.split('.')[1]) < 19
  return (request, response) => {
    if (!request.url?.startsWith('/metrics') || !(old || exported)) return void response.writeHead(404).end()
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(`${write(samples().map(([name, labels, value]) => [nameOf(name, old), labels, value]))}\n`)
  }
}

// The older names by the newer ones, where a check or a person looks for them.
const OLD: Record<string, string> = {
  kn_revision_pods_desired: 'autoscaler_desired_pods',
  kn_revision_pods_count: 'autoscaler_actual_pods',
  kn_revision_panic_mode: 'autoscaler_panic_mode',
  kn_revision_capacity_excess: 'autoscaler_excess_burst_capacity',
  kn_revision_concurrency_stable: 'autoscaler_stable_request_concurrency',
  kn_revision_concurrency_panic: 'autoscaler_panic_request_concurrency',
  kn_revision_concurrency_target: 'autoscaler_target_concurrency_per_pod',
  kn_activator_stats_conn_reachable: 'activator_request_concurrency',
  kn_workqueue_depth: 'controller_work_queue_depth',
}

const nameOf = (name: string, old: boolean): string => (old ? (OLD[name] ?? name) : name)

/** The autoscaler's view of every revision. */
export function autoscalerSamples(objects: Objects, autoscaler: Autoscaler): Sample[] {
  return objects.list(POD_AUTOSCALERS).flatMap(({ metadata, status }) => {
    const decider = autoscaler.deciders.get(revisionKey(metadata.namespace, metadata.name))
    const labels = {
      k8s_namespace_name: metadata.namespace ?? '',
      kn_service_name: metadata.labels?.['serving.knative.dev/service'] ?? '',
      kn_configuration_name: metadata.labels?.['serving.knative.dev/configuration'] ?? '',
      kn_revision_name: metadata.name,
    }
    const { stable = 0, panic = 0, excess = 0, target = 0 } = decider?.last ?? {}
    return [
      ['kn_revision_pods_desired', labels, Number(status?.desiredScale ?? 0)],
      ['kn_revision_pods_count', labels, Number(status?.actualScale ?? 0)],
      ['kn_revision_panic_mode', labels, decider?.panicSince === undefined ? 0 : 1],
      ['kn_revision_capacity_excess', labels, excess],
      ['kn_revision_concurrency_stable', labels, stable],
      ['kn_revision_concurrency_panic', labels, panic],
      ['kn_revision_concurrency_target', labels, target],
    ] satisfies Sample[]
  })
}

export const activatorSamples = (): Sample[] => [
  ['kn_activator_stats_conn_reachable', { otel_scope_name: 'knative.dev/serving/cmd/activator' }, 1],
]

export const controllerSamples = (): Sample[] => [['kn_workqueue_depth', { name: 'revision' }, 0]]
