import type { KubeObject } from '../api/object.ts'
import type { Network } from '../network.ts'
import type { Versions } from './versions.ts'

const EXAMPLE = [
  '################################',
  '#    EXAMPLE CONFIGURATION     #',
  '################################',
  '# Nothing reads what stands here.',
  '',
].join('\n')

/** Knative's and Istio's ConfigMaps, the gateways, MetalLB's pool, and the API of the metrics. */
export function componentSettings(
  versions: Versions,
  domain: string,
  network: Network,
  cloud: 'metallb' | 'aws',
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
  ]
}
