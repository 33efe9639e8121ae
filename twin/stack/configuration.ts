import { budget } from './components.ts'
import type { KubeObject } from '../api/object.ts'
import type { Network } from '../network.ts'
import type { Versions } from './versions.ts'

const NAMESPACES = [
  'default',
  'kube-system',
  'kube-public',
  'metallb-system',
  'cert-manager',
  'istio-system',
  'knative-serving',
  'monitoring',
]

const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })

export const namespaces = (): KubeObject[] => NAMESPACES.map(namespace)

const rbac = (kind: string, name: string, more: object): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  metadata: { name },
  ...more,
})
const everything = { apiGroups: ['*'], resources: ['*'] }

/** The ClusterRoles that every cluster has, and MetalLB's. */
export function rights(): KubeObject[] {
  const role = (name: string, verbs: string[], more: object = everything) =>
    rbac('ClusterRole', name, { rules: [{ ...more, verbs }] })
  return [
    role('cluster-admin', ['*']),
    role('admin', ['*']),
    role('edit', ['*']),
    role('view', ['get', 'list', 'watch'], {
      apiGroups: ['*'],
      resources: [
        'pods',
        'pods/log',
        'services',
        'deployments',
        'replicasets',
        'endpoints',
        'endpointslices',
        'configmaps',
        'events',
        'namespaces',
      ],
    }),
    rbac('ClusterRoleBinding', 'cluster-admin', {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'Group', name: 'system:masters' }],
    }),
    rbac('ClusterRole', 'metallb-system:controller', {
      rules: [
        { apiGroups: [''], resources: ['services', 'namespaces'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['services/status'], verbs: ['update'] },
      ],
    }),
    rbac('ClusterRoleBinding', 'metallb-system:controller', {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'metallb-system:controller' },
      subjects: [{ kind: 'ServiceAccount', name: 'controller', namespace: 'metallb-system' }],
    }),
  ]
}

const EXAMPLE =
  '################################\n#    EXAMPLE CONFIGURATION     #\n################################\n# Nothing reads what stands here.\n'

/** Knative's and Istio's ConfigMaps, the gateways, MetalLB's pool, and the API of the metrics. */
export function configuration(
  versions: Versions,
  domain: string,
  network: Network,
  cloud: 'metallb' | 'aws',
  ca: string,
): KubeObject[] {
  const config = (
    name: string,
    component: string,
    data: Record<string, string> = {},
    version = versions.knative,
  ): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace: 'knative-serving',
      labels: {
        'app.kubernetes.io/name': 'knative-serving',
        'app.kubernetes.io/component': component,
        'app.kubernetes.io/version': version,
      },
      annotations: component === 'net-istio' ? {} : { 'knative.dev/example-checksum': '00000000' },
    },
    data: { _example: EXAMPLE, ...data },
  })
  const gateway = (name: string, port: number): KubeObject => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name, namespace: 'knative-serving', labels: { 'networking.knative.dev/ingress-provider': 'istio' } },
    spec: {
      selector: { istio: 'ingressgateway' },
      servers: [{ hosts: ['*'], port: { name: 'http', number: port, protocol: 'HTTP' } }],
    },
  })
  const metallb = (kind: string, spec: object): KubeObject => ({
    apiVersion: 'metallb.io/v1beta1',
    kind,
    metadata: { name: 'kind', namespace: 'metallb-system' },
    spec,
  })
  return [
    config('config-autoscaler', 'autoscaler'),
    config('config-certmanager', 'controller'),
    config('config-defaults', 'controller'),
    config('config-deployment', 'controller', {
      'queue-sidecar-image': `gcr.io/knative-releases/knative.dev/serving/cmd/queue:v${versions.knative}`,
    }),
    config('config-domain', 'controller', { [domain]: '' }),
    config('config-features', 'controller'),
    config('config-gc', 'controller'),
    config('config-istio', 'net-istio', {}, versions['net-istio']),
    config('config-leader-election', 'controller'),
    config('config-logging', 'logging'),
    config('config-network', 'networking'),
    config('config-observability', 'observability', {
      'metrics-protocol': 'prometheus',
      'request-metrics-protocol': 'prometheus',
    }),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio', namespace: 'istio-system' },
      data: { mesh: 'accessLogFile: /dev/stdout\nrootNamespace: istio-system\ntrustDomain: cluster.local\n' },
    },
    gateway('knative-ingress-gateway', 80),
    gateway('knative-local-gateway', 8081),
    ...(cloud === 'metallb'
      ? [
          metallb('IPAddressPool', { addresses: [network.pool] }),
          metallb('L2Advertisement', { ipAddressPools: ['kind'] }),
        ]
      : []),
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1beta1.metrics.k8s.io' },
      spec: {
        group: 'metrics.k8s.io',
        version: 'v1beta1',
        service: { name: 'metrics-server', namespace: 'kube-system', port: 443 },
        groupPriorityMinimum: 100,
        versionPriority: 100,
      },
    },
    ...webhooks(cloud, ca),
  ]
}

/** The admission webhooks, as their components configure them. */
function webhooks(cloud: 'metallb' | 'aws', ca: string): KubeObject[] {
  const one = (
    name: string,
    service: [namespace: string, name: string, path: string],
    rules: object[],
    selectors: object = {},
  ) => ({
    name,
    failurePolicy: 'Fail',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    clientConfig: {
      caBundle: Buffer.from(ca).toString('base64'),
      service: { namespace: service[0], name: service[1], path: service[2], port: 443 },
    },
    rules,
    objectSelector: {},
    namespaceSelector: {},
    ...selectors,
  })
  const configured = (kind: string, name: string, all: object[]): KubeObject => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${kind}WebhookConfiguration`,
    metadata: { name },
    webhooks: all,
  })
  const rule = (groups: string[], resources: string[], operations = ['CREATE', 'UPDATE']) => ({
    apiGroups: groups,
    apiVersions: ['*'],
    operations,
    resources,
    scope: '*',
  })
  const knative = ['serving.knative.dev', 'autoscaling.internal.knative.dev', 'networking.internal.knative.dev']
  const parts = ['autoscaler', 'controller', 'logging', 'networking', 'observability', 'tracing']
  const settings = {
    objectSelector: {
      matchExpressions: [
        { key: 'app.kubernetes.io/name', operator: 'In', values: ['knative-serving'] },
        { key: 'app.kubernetes.io/component', operator: 'In', values: parts },
      ],
    },
  }
  const included = {
    namespaceSelector: { matchExpressions: [{ key: 'webhooks.knative.dev/exclude', operator: 'DoesNotExist' }] },
  }
  return [
    configured('Mutating', 'webhook.serving.knative.dev', [
      one(
        'webhook.serving.knative.dev',
        ['knative-serving', 'webhook', '/defaulting'],
        [rule(knative, ['*'])],
        included,
      ),
    ]),
    configured('Validating', 'validation.webhook.serving.knative.dev', [
      one(
        'validation.webhook.serving.knative.dev',
        ['knative-serving', 'webhook', '/resource-validation'],
        [rule(knative, ['*'], ['CREATE', 'UPDATE', 'DELETE'])],
        included,
      ),
    ]),
    configured('Validating', 'config.webhook.serving.knative.dev', [
      one(
        'config.webhook.serving.knative.dev',
        ['knative-serving', 'webhook', '/config-validation'],
        [rule([''], ['configmaps/*'])],
        settings,
      ),
    ]),
    configured('Mutating', 'webhook.istio.networking.internal.knative.dev', [
      one(
        'webhook.istio.networking.internal.knative.dev',
        ['knative-serving', 'net-istio-webhook', '/defaulting'],
        [rule(['apps'], ['deployments'])],
        { objectSelector: { matchExpressions: [{ key: 'serving.knative.dev/configuration', operator: 'Exists' }] } },
      ),
    ]),
    configured('Mutating', 'istio-sidecar-injector', [
      {
        ...one(
          'namespace.sidecar-injector.istio.io',
          ['istio-system', 'istiod', '/inject'],
          [rule([''], ['pods'], ['CREATE'])],
          { namespaceSelector: { matchLabels: { 'istio-injection': 'enabled' } } },
        ),
        reinvocationPolicy: 'Never',
      },
    ]),
    configured('Validating', 'istiod-default-validator', [
      one(
        'validation.istio.io',
        ['istio-system', 'istiod', '/validate'],
        [rule(['security.istio.io', 'networking.istio.io', 'telemetry.istio.io'], ['*'])],
      ),
    ]),
    cloud === 'aws'
      ? configured('Mutating', 'aws-load-balancer-webhook', [
          one(
            'mservice.elbv2.k8s.aws',
            ['kube-system', 'aws-load-balancer-webhook-service', '/mutate-v1-service'],
            [rule([''], ['services'], ['CREATE'])],
          ),
        ])
      : configured('Validating', 'metallb-webhook-configuration', [
          one(
            'ipaddresspoolvalidationwebhook.metallb.io',
            ['metallb-system', 'metallb-webhook-service', '/validate-metallb-io-v1beta1-ipaddresspool'],
            [rule(['metallb.io'], ['ipaddresspools'])],
          ),
        ]),
    configured('Validating', 'cert-manager-webhook', [
      one(
        'webhook.cert-manager.io',
        ['cert-manager', 'cert-manager-webhook', '/validate'],
        [rule(['cert-manager.io'], ['*'])],
      ),
    ]),
  ]
}

/** The workload as a Service that stays, to look at. */
export function workload(program: string): KubeObject[] {
  return [
    namespace('plumbline'),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'app', namespace: 'plumbline' },
      data: { 'server.mjs': program },
    },
    {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata: { name: 'hello', namespace: 'plumbline' },
      spec: {
        template: {
          metadata: { annotations: { 'autoscaling.knative.dev/min-scale': '1' } },
          spec: {
            containerConcurrency: 0,
            timeoutSeconds: 300,
            containers: [
              {
                name: 'user-container',
                image: 'docker.io/library/node:24-alpine',
                command: ['node', '/app/server.mjs'],
                env: [{ name: 'TARGET', value: 'Knative on EKS' }],
                ports: [{ containerPort: 8080 }],
                readinessProbe: {
                  httpGet: { path: '/', port: 0 },
                  periodSeconds: 1,
                  failureThreshold: 3,
                  successThreshold: 1,
                  timeoutSeconds: 1,
                },
                resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '128Mi' } },
                volumeMounts: [{ name: 'app', mountPath: '/app', readOnly: true }],
              },
            ],
            volumes: [{ name: 'app', configMap: { name: 'app' } }],
          },
        },
        traffic: [{ latestRevision: true, percent: 100 }],
      },
    },
    budget('plumbline', 'hello', { maxUnavailable: 1 }, { 'serving.knative.dev/service': 'hello' }),
  ]
}
