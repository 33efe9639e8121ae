// Every key of Knative Serving's ConfigMaps with its default, as knative/serving 1.22 reads them
// (pkg/apis/config, pkg/autoscaler/config, pkg/deployment, pkg/gc, pkg/observability; networking/pkg/config;
// pkg/leaderelection). A key that an older release does not know yet is no trouble there: it is ignored.
import { AUTOSCALER_SETTINGS, GC_SETTINGS, type Setting } from './settings.ts'
import { boolean, choice, duration, integer, number, quantity, text } from './setting-values.ts'

const flag = choice('enabled', 'disabled', 'allowed')
const onOff = choice('enabled', 'disabled')
const FLAG_OFF: Setting = { default: 'disabled', wrong: flag }
const UNSET_QUANTITY: Setting = { default: '', wrong: quantity }

/** Keys of one map by its defaults; `wrong` is the same for all. */
const all = (wrong: Setting['wrong'], defaults: Record<string, string>): Record<string, Setting> =>
  Object.fromEntries(Object.entries(defaults).map(([key, value]) => [key, { default: value, wrong }]))

const DEFAULTS: Record<string, Setting> = {
  ...all(integer(0), {
    'revision-timeout-seconds': '300',
    'max-revision-timeout-seconds': '600',
    'revision-response-start-timeout-seconds': '300',
    'revision-idle-timeout-seconds': '0',
    'container-concurrency': '0',
  }),
  'container-concurrency-max-limit': { default: '1000', wrong: integer(1) },
  ...all(text, { 'container-name-template': 'user-container', 'init-container-name-template': 'init-container' }),
  'allow-container-concurrency-zero': { default: 'true', wrong: boolean },
  'enable-service-links': { default: 'false', wrong: choice('true', 'false', 'default') },
  ...Object.fromEntries(
    ['cpu', 'memory', 'ephemeral-storage'].flatMap((resource) => [
      [`revision-${resource}-request`, UNSET_QUANTITY],
      [`revision-${resource}-limit`, UNSET_QUANTITY],
    ]),
  ),
}

const DEPLOYMENT: Record<string, Setting> = {
  ...all(text, {
    'queue-sidecar-image': '',
    'queue-sidecar-token-audiences': '',
    'queue-sidecar-rootca': '',
    'queue-sidecar-tls-min-version': '',
    'queue-sidecar-tls-max-version': '',
    'queue-sidecar-tls-cipher-suites': '',
    'queue-sidecar-tls-curve-preferences': '',
    'registries-skipping-tag-resolving': 'kind.local,ko.local,dev.local',
    'runtime-class-name': '',
  }),
  'progress-deadline': { default: '600s', wrong: duration(1000) },
  'digest-resolution-timeout': { default: '10s', wrong: duration(1) },
  'default-affinity-type': {
    default: 'prefer-spread-revision-over-nodes',
    wrong: choice('none', 'prefer-spread-revision-over-nodes'),
  },
  'pod-is-always-schedulable': { default: 'false', wrong: boolean },
  'queue-sidecar-cpu-request': { default: '25m', wrong: quantity },
  ...all(quantity, {
    'queue-sidecar-cpu-limit': '',
    'queue-sidecar-memory-request': '',
    'queue-sidecar-memory-limit': '',
    'queue-sidecar-ephemeral-storage-request': '',
    'queue-sidecar-ephemeral-storage-limit': '',
  }),
}

const POD_SPEC_FEATURES = [
  ...['affinity', 'dnsconfig', 'dnspolicy', 'fieldref', 'hostaliases', 'hostipc', 'hostnetwork', 'hostpid'],
  ...['init-containers', 'nodeselector', 'persistent-volume-claim', 'persistent-volume-write', 'priorityclassname'],
  ...['runtimeclassname', 'schedulername', 'securitycontext', 'shareprocessnamespace', 'tolerations'],
  ...['topologyspreadconstraints', 'volumes-csi', 'volumes-hostpath', 'volumes-image', 'volumes-mount-propagation'],
]

const FEATURES: Record<string, Setting> = {
  'multi-container': { default: 'enabled', wrong: flag },
  'kubernetes.podspec-volumes-emptydir': { default: 'enabled', wrong: flag },
  'secure-pod-defaults': { default: 'disabled', wrong: choice('enabled', 'disabled', 'allowrootbounded') },
  ...Object.fromEntries(
    [
      ...['autodetect-http2', 'multi-container-probing', 'queueproxy.mount-podinfo', 'queueproxy.resource-defaults'],
      ...['tag-header-based-routing', 'kubernetes.containerspec-addcapabilities'],
      ...POD_SPEC_FEATURES.map((name) => `kubernetes.podspec-${name}`),
    ].map((key) => [key, FLAG_OFF]),
  ),
}

const NETWORK: Record<string, Setting> = {
  ...all(text, {
    'ingress-class': 'istio.ingress.networking.knative.dev',
    'certificate-class': 'cert-manager.certificate.networking.knative.dev',
    'domain-template': '{{.Name}}.{{.Namespace}}.{{.Domain}}',
    'tag-template': '{{.Tag}}-{{.Name}}',
    'namespace-wildcard-cert-selector': '',
  }),
  ...all(boolean, { 'autocreate-cluster-domain-claims': 'false', 'enable-mesh-pod-addressability': 'false' }),
  ...all(onOff, {
    'external-domain-tls': 'disabled',
    'cluster-local-domain-tls': 'disabled',
    'system-internal-tls': 'disabled',
  }),
  'default-external-scheme': { default: 'http', wrong: choice('http', 'https') },
  'http-protocol': { default: 'enabled', wrong: choice('enabled', 'disabled', 'redirected') },
  'mesh-compatibility-mode': { default: 'auto', wrong: choice('enabled', 'disabled', 'auto') },
  'rollout-duration': { default: '0', wrong: integer(0) },
}

const EXPORT_INTERVAL: Setting = { default: '', wrong: duration(1) }
const OBSERVABILITY: Record<string, Setting> = {
  ...all(choice('prometheus', 'http/protobuf', 'grpc', 'none'), {
    'metrics-protocol': 'none',
    'request-metrics-protocol': 'none',
  }),
  ...all(text, { 'metrics-endpoint': '', 'request-metrics-endpoint': '', 'tracing-endpoint': '' }),
  'metrics-export-interval': EXPORT_INTERVAL,
  'request-metrics-export-interval': EXPORT_INTERVAL,
  'runtime-export-interval': EXPORT_INTERVAL,
  'runtime-profiling': { default: 'disabled', wrong: onOff },
  'tracing-protocol': { default: 'none', wrong: choice('none', 'http/protobuf', 'grpc', 'stdout') },
  'tracing-sampling-rate': { default: '0', wrong: number(0) },
  ...all(boolean, {
    'logging.enable-var-log-collection': 'false',
    'logging.enable-request-log': 'false',
    'logging.enable-probe-request-log': 'false',
  }),
  // The default template is long, and any other is as good: no default to compare with.
  ...all(text, { 'logging.revision-url-template': '', 'logging.request-log-template': '' }),
}

const LEADER_ELECTION: Record<string, Setting> = {
  'lease-duration': { default: '60s', wrong: duration(1) },
  'renew-deadline': { default: '40s', wrong: duration(1) },
  'retry-period': { default: '10s', wrong: duration(1) },
  buckets: { default: '1', wrong: integer(1) },
}

/** Keys that a release before reads too, or still reads under their old name: known, and without a default here. */
const OLD_KEYS: Readonly<Record<string, readonly string[]>> = {
  'config-deployment': [
    ...['queueSidecarImage', 'progressDeadline', 'digestResolutionTimeout', 'registriesSkippingTagResolving'],
    ...['queueSidecarCPURequest', 'queueSidecarMemoryRequest', 'queueSidecarEphemeralStorageRequest'],
    ...['queueSidecarCPULimit', 'queueSidecarMemoryLimit', 'queueSidecarEphemeralStorageLimit'],
    ...['queueSidecarTokenAudiences', 'queueSidecarRootCA', 'concurrency-state-endpoint'],
  ],
  'config-network': [
    ...['ingress.class', 'certificate.class', 'domainTemplate', 'tagTemplate', 'rolloutDuration', 'httpProtocol'],
    ...['autocreateClusterDomainClaims', 'defaultExternalScheme', 'autoTLS', 'auto-tls', 'internal-encryption'],
    ...['dataplane-trust', 'controlplane-trust', 'activator-ca', 'activator-san', 'queue-proxy-ca', 'queue-proxy-san'],
  ],
  'config-observability': [
    ...[
      'metrics.backend-destination',
      'metrics.request-metrics-backend-destination',
      'metrics.reporting-period-seconds',
    ],
    ...['metrics.opencensus-address', 'metrics.stackdriver-project-id', 'metrics.allow-stackdriver-custom-metrics'],
    ...['profiling.enable', 'request-metrics-reporting-period-seconds', 'logging.write-request-logs'],
  ],
  'config-leader-election': ['leaseDuration', 'renewDeadline', 'retryPeriod', 'resourceLock', 'enabledComponents'],
  'config-features': [
    ...['responsive-revision-gc', 'kubernetes.podspec-dryrun', 'queueproxy.user-set-resources'],
    ...['kubernetes.podspec-volumes-persistent-volume-claim', 'multicontainer'],
  ],
}

/** A key with a prefix that takes any name behind it. */
const PREFIXES: Readonly<Record<string, readonly string[]>> = {
  'config-leader-election': ['map-lease-prefix'],
  'config-logging': ['loglevel.'],
}

/** The keys of each ConfigMap whose keys are fixed; config-domain and config-istio have keys of their users. */
export const SETTING_TABLES: Readonly<Record<string, Readonly<Record<string, Setting>>>> = {
  'config-autoscaler': AUTOSCALER_SETTINGS,
  'config-certmanager': all(text, { issuerRef: '', clusterLocalIssuerRef: '', systemInternalIssuerRef: '' }),
  'config-defaults': DEFAULTS,
  'config-deployment': DEPLOYMENT,
  'config-features': FEATURES,
  'config-gc': GC_SETTINGS,
  'config-leader-election': LEADER_ELECTION,
  'config-logging': { 'zap-logger-config': { default: '', wrong: text } },
  'config-network': NETWORK,
  'config-observability': OBSERVABILITY,
}

/** Whether a release reads the key, by its name of today, by an old one or by a prefix. */
export const isKnownKey = (map: string, key: string): boolean =>
  Boolean(SETTING_TABLES[map]?.[key]) ||
  Boolean(OLD_KEYS[map]?.includes(key)) ||
  Boolean(PREFIXES[map]?.some((prefix) => key.startsWith(prefix)))
