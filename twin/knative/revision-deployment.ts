import { ownerReference, type KubeObject } from '../api/object.ts'
import type { KnativeHooks } from './hooks.ts'

const QUEUE_PROXY = 'queue.sidecar.serving.knative.dev'

/** The Deployment of a revision: its containers, and queue-proxy beside them. */
export function revisionDeployment(
  revision: KubeObject,
  deploymentConfig: Readonly<Record<string, string>>,
  observability: Readonly<Record<string, string>>,
  hooks: KnativeHooks,
): KubeObject {
  const { name, namespace, labels = {}, annotations = {}, uid = '' } = revision.metadata
  const { 'serving.knative.dev/routingState': _, ...kept } = labels
  // Autoscaling annotations stay on the revision (pkg/reconciler/revision/resources/meta.go).
  const shown = Object.fromEntries(
    Object.entries(annotations).filter(
      ([key]) => !/^(autoscaling\.knative\.dev|queue\.sidecar)/.test(key) && !/routes$|routingStateModified$/.test(key),
    ),
  )
  const common = { ...kept, app: name, 'serving.knative.dev/revision': name, 'serving.knative.dev/revisionUID': uid }
  const port = Number(revision.spec.containers[0]?.ports?.[0]?.containerPort ?? 8080)
  const {
    containers,
    containerConcurrency,
    timeoutSeconds,
    responseStartTimeoutSeconds,
    idleTimeoutSeconds,
    ...podSpec
  } = revision.spec
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: `${name}-deployment`,
      ...(namespace ? { namespace } : {}),
      labels: common,
      annotations: shown,
      ownerReferences: [ownerReference(revision)],
    },
    spec: {
      replicas: 1,
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 0,
      selector: { matchLabels: { 'serving.knative.dev/revisionUID': uid } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
      template: {
        metadata: {
          labels: common,
          annotations: { ...shown, 'kubectl.kubernetes.io/default-container': 'user-container' },
        },
        spec: {
          ...podSpec,
          affinity: podSpec.affinity ?? {
            podAntiAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                {
                  weight: 100,
                  podAffinityTerm: {
                    topologyKey: 'kubernetes.io/hostname',
                    labelSelector: { matchLabels: { 'serving.knative.dev/revision': name } },
                  },
                },
              ],
            },
          },
          terminationGracePeriodSeconds: timeoutSeconds ?? 300,
          containers: [
            ...(containers as KubeObject['spec'][]).map((container) =>
              hooks.userContainer.apply(userContainer(container, labels, name, port)),
            ),
            queueProxy(
              revision,
              port,
              { containerConcurrency, timeoutSeconds, responseStartTimeoutSeconds, idleTimeoutSeconds },
              deploymentConfig,
              observability,
            ),
          ],
        },
      },
    },
  }
}

function userContainer(
  container: KubeObject['spec'],
  labels: Readonly<Record<string, string>>,
  revision: string,
  port: number,
): object {
  // Its readiness is queue-proxy's to probe.
  const { readinessProbe: _, ...rest } = container
  return {
    ...rest,
    ports: [{ containerPort: port, name: 'user-port', protocol: 'TCP' }],
    lifecycle: { preStop: { httpGet: { path: '/wait-for-drain', port: 8022, scheme: 'HTTP' } } },
    env: [
      ...((container.env ?? []) as object[]),
      { name: 'PORT', value: String(port) },
      { name: 'K_REVISION', value: revision },
      { name: 'K_CONFIGURATION', value: labels['serving.knative.dev/configuration'] },
      { name: 'K_SERVICE', value: labels['serving.knative.dev/service'] },
    ],
  }
}

function queueProxy(
  revision: KubeObject,
  port: number,
  limits: Record<string, number | undefined>,
  deploymentConfig: Readonly<Record<string, string>>,
  observability: Readonly<Record<string, string>>,
): object {
  const { name, namespace, labels = {}, annotations = {} } = revision.metadata
  const probe = revision.spec.containers[0]?.readinessProbe ?? {}
  const resource = (what: string, kind: 'request' | 'limit', fallback?: string) =>
    annotations[`${QUEUE_PROXY}/${what}-resource-${kind}`] ??
    deploymentConfig[`queue-sidecar-${what}-${kind}`] ??
    fallback
  const amounts = (kind: 'request' | 'limit', cpu?: string) =>
    Object.fromEntries(
      [
        ['cpu', resource('cpu', kind, cpu)],
        ['memory', resource('memory', kind)],
      ].filter(([, value]) => value !== undefined),
    )
  const [requests, most] = [amounts('request', '25m'), amounts('limit')]
  const env = {
    SERVING_NAMESPACE: namespace,
    SERVING_SERVICE: labels['serving.knative.dev/service'] ?? '',
    SERVING_CONFIGURATION: labels['serving.knative.dev/configuration'] ?? '',
    SERVING_REVISION: name,
    QUEUE_SERVING_PORT: '8012',
    CONTAINER_CONCURRENCY: String(limits.containerConcurrency ?? 0),
    REVISION_TIMEOUT_SECONDS: String(limits.timeoutSeconds ?? 300),
    REVISION_RESPONSE_START_TIMEOUT_SECONDS: String(limits.responseStartTimeoutSeconds ?? 0),
    USER_PORT: String(port),
    SERVING_READINESS_PROBE: JSON.stringify(probe),
    OBSERVABILITY_CONFIG: JSON.stringify({
      requestMetrics: observability['request-metrics-protocol'] ?? 'none',
      requestLog: observability['logging.enable-request-log'] ?? 'false',
      requestLogTemplate: observability['logging.request-log-template'] ?? '',
    }),
  }
  return {
    name: 'queue-proxy',
    image: deploymentConfig['queue-sidecar-image'] ?? '',
    imagePullPolicy: 'IfNotPresent',
    env: [
      ...Object.entries(env).map(([key, value]) => ({ name: key, value })),
      { name: 'SERVING_POD', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
      { name: 'SERVING_POD_IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
    ],
    ports: [
      { containerPort: 9090, name: 'http-autometric', protocol: 'TCP' },
      { containerPort: 9091, name: 'http-usermetric', protocol: 'TCP' },
      { containerPort: 8012, name: 'queue-port', protocol: 'TCP' },
    ],
    readinessProbe: {
      httpGet: { path: '/', port: 8012, httpHeaders: [{ name: 'K-Network-Probe', value: 'queue' }] },
      periodSeconds: Number(probe.periodSeconds ?? 10),
      timeoutSeconds: 1,
      failureThreshold: 3,
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    resources: {
      ...(Object.keys(requests).length ? { requests } : {}),
      ...(Object.keys(most).length ? { limits: most } : {}),
    },
  }
}
