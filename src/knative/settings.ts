import { between, boolean, duration, integer, number } from './setting-values.ts'
import { compareMinors } from '../config/supported-versions.ts'

/** A key of one of Knative's ConfigMaps: its default, and why a value does not parse (undefined if it does). */
export interface Setting {
  default: string
  wrong: (value: string) => string | undefined
}

/** config-autoscaler: knative/serving, pkg/autoscaler/config/config.go, the same from 1.9 to 1.23. */
export const AUTOSCALER_SETTINGS: Readonly<Record<string, Setting>> = {
  'container-concurrency-target-default': { default: '100', wrong: number(0.01) },
  'container-concurrency-target-percentage': {
    default: '70',
    wrong: (value) => number(0, true)(value) ?? between(0, 100)(value),
  },
  'requests-per-second-target-default': { default: '200', wrong: number(0.01) },
  'target-burst-capacity': { default: '211', wrong: (value) => (value === '-1' ? undefined : number(0)(value)) },
  'panic-window-percentage': { default: '10', wrong: between(1, 100) },
  'panic-threshold-percentage': { default: '200', wrong: number(0, true) },
  'stable-window': { default: '60s', wrong: duration(6000, 3_600_000) },
  'scale-to-zero-grace-period': { default: '30s', wrong: duration(1) },
  'scale-to-zero-pod-retention-period': { default: '0s', wrong: duration(0) },
  'max-scale-up-rate': { default: '1000', wrong: number(1, true) },
  'max-scale-down-rate': { default: '2', wrong: number(1, true) },
  'initial-scale': { default: '1', wrong: integer(0) },
  'allow-zero-initial-scale': { default: 'false', wrong: boolean },
  'min-scale': { default: '0', wrong: integer(0) },
  'max-scale': { default: '0', wrong: integer(0) },
  'max-scale-limit': { default: '0', wrong: integer(0) },
  'scale-down-delay': { default: '0s', wrong: duration(0) },
  'enable-scale-to-zero': { default: 'true', wrong: boolean },
  'pod-autoscaler-class': {
    default: 'kpa.autoscaling.knative.dev',
    wrong: (value) => (value ? undefined : 'the value is empty'),
  },
  'activator-capacity': { default: '100', wrong: number(1) },
}

const countOrDisabled = (value: string) => (value === 'disabled' ? undefined : integer(0)(value))
const durationOrDisabled = (value: string) => (value === 'disabled' ? undefined : duration(0)(value))

/** config-gc: knative/serving, pkg/gc/config.go. */
export const GC_SETTINGS: Readonly<Record<string, Setting>> = {
  'retain-since-create-time': { default: '48h', wrong: durationOrDisabled },
  'retain-since-last-active-time': { default: '15h', wrong: durationOrDisabled },
  'min-non-active-revisions': { default: '20', wrong: countOrDisabled },
  'max-non-active-revisions': { default: '1000', wrong: countOrDisabled },
}

/** A sentence for each unknown key (with the nearest known one), and for each value that does not parse. */
export function settingTroubles(
  settings: Record<string, string>,
  known: Readonly<Record<string, Setting>>,
  nearest: (key: string, keys: string[]) => string,
): string[] {
  return Object.entries(settings).flatMap(([key, value]) => {
    const setting = known[key]
    if (!setting) return [`${key}: unknown key, did you mean ${nearest(key, Object.keys(known))}?`]
    const wrong = setting.wrong(value)
    return wrong ? [`${key}: ${wrong}`] : []
  })
}

/** The value of a key, or its default if it is not set. */
export const effective = (
  settings: Record<string, string>,
  known: Readonly<Record<string, Setting>>,
  key: string,
): string => settings[key] ?? known[key]?.default ?? ''

/** The components that Knative with net-istio must have, by version. */
export function requiredComponents(knative: string): string[] {
  // domain-mapping became part of the controller in 1.11; net-istio's were called networking-istio until 0.24.
  const mapping = compareMinors(knative, '1.11') < 0 ? ['domain-mapping', 'domainmapping-webhook'] : []
  return ['activator', 'autoscaler', 'controller', 'webhook', 'net-istio-controller', 'net-istio-webhook', ...mapping]
}

/** A metric of each component that shows whether it exports metrics, by version. */
export function metricsOf(knative: string): Record<'autoscaler' | 'activator' | 'controller' | 'queue-proxy', RegExp> {
  if (compareMinors(knative, '1.19') < 0) {
    return {
      autoscaler: /^autoscaler_(desired|actual|requested)_pods\b/m,
      activator: /^activator_(request_count|request_concurrency|go_)/m,
      controller: /^controller_(reconcile_count|work_queue_depth|workqueue_)/m,
      'queue-proxy': /^revision_(request_count|app_request_count|queue_depth)/m,
    }
  }
  return {
    autoscaler: /^kn[_.]revision[_.]pods[_.](desired|count|requested)/m,
    activator: /^(http_server_request_duration|kn[_.](activator|revision)[_.])/m,
    controller: /^kn[_.]workqueue[_.]/m,
    // Before its first request a queue-proxy exports only target_info, with its revision.
    'queue-proxy': /^(http_server_request_duration|kn[_.](serving|queueproxy)[_.]|target_info\{[^}]*kn_revision_name)/m,
  }
}

/** queue-proxy's count of requests, by version; knative/serving, pkg/queue. */
export function requestCountOf(knative: string): string {
  if (compareMinors(knative, '1.19') < 0) return 'revision_app_request_count'
  return compareMinors(knative, '1.21') < 0
    ? 'kn_queueproxy_app_duration_seconds_count'
    : 'kn_serving_invocation_duration_seconds_count'
}

/**
 * config-network's key for external domain TLS: renamed in 1.12, the old key is still read (knative.dev/networking,
 * pkg/config).
 */
export const externalTlsKey = (knative: string): string =>
  compareMinors(knative, '1.12') < 0 ? 'auto-tls' : 'external-domain-tls'

/**
 * Whether the controller itself reconciles certificates (from 1.15, net-certmanager before). It starts that reconciler
 * only if TLS is enabled when it starts.
 */
export const issuesCertificatesItself = (knative: string): boolean => compareMinors(knative, '1.15') >= 0
