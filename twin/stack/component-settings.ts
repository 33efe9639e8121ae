import type { KubeObject } from '../api/object.ts'
import { stringify } from 'yaml'
import type { Network } from '../network.ts'
import { LOCAL_GATEWAY, selectorOf } from './knative-deployments.ts'
import { revised, USUAL_LAYOUT, type IstiodLayout, type Layout } from './layout.ts'
import type { Versions } from './versions.ts'

const EXAMPLE = [
  '################################',
  '#    EXAMPLE CONFIGURATION     #',
  '################################',
  '# Nothing reads what stands here.',
  '',
].join('\n')

/** The mesh configuration of an istiod, in the ConfigMap that it reads. */
function meshConfig(istiod: IstiodLayout): KubeObject {
  const mesh = {
    accessLogFile: '/dev/stdout',
    rootNamespace: istiod.rootNamespace || istiod.namespace,
    trustDomain: 'cluster.local',
  }
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: revised('istio', istiod), namespace: istiod.namespace },
    data: { mesh: stringify(mesh) },
  }
}

/** What config-istio says of the gateways, where they are not those that Knative takes by default. */
function gatewaysOfKnative({ gateways, knative, clusterDomain }: Layout): Record<string, string> {
  const [gateway, usual] = [gateways[0]!, USUAL_LAYOUT.gateways[0]!]
  if (gateway.namespace === usual.namespace && gateway.name === usual.name) return {}
  const list = (name: string, service: string) =>
    stringify([{ name, namespace: knative.namespace, service: `${service}.${gateway.namespace}.svc.${clusterDomain}` }])
  return {
    'external-gateways': list('knative-ingress-gateway', gateway.name),
    'local-gateways': list('knative-local-gateway', LOCAL_GATEWAY),
  }
}

/** Knative's and Istio's ConfigMaps, the gateways, MetalLB's pool, and the API of the metrics. */
export function componentSettings(
  versions: Versions,
  domain: string,
  network: Network,
  cloud: 'metallb' | 'aws',
  layout: Layout,
): KubeObject[] {
  const { knative, balancer, gateways } = layout
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
      namespace: knative.namespace,
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
    metadata: {
      name,
      namespace: knative.namespace,
      labels: { 'networking.knative.dev/ingress-provider': 'istio' },
    },
    spec: {
      selector: selectorOf(gateways[0]!.labels),
      servers: [{ hosts: ['*'], port: { name: 'http', number: port, protocol: 'HTTP' } }],
    },
  })
  const metallb = (kind: string, spec: object): KubeObject => ({
    apiVersion: 'metallb.io/v1beta1',
    kind,
    metadata: { name: 'kind', namespace: balancer.namespace },
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
    config('config-istio', 'net-istio', gatewaysOfKnative(layout), versions['net-istio']),
    config('config-leader-election', 'controller'),
    config('config-logging', 'logging'),
    config('config-network', 'networking'),
    config('config-observability', 'observability', {
      'metrics-protocol': 'prometheus',
      'request-metrics-protocol': 'prometheus',
    }),
    ...layout.istiods.map((each) => meshConfig(each)),
    gateway('knative-ingress-gateway', 80),
    gateway('knative-local-gateway', 8081),
    ...(cloud === 'metallb' && balancer.maker === 'metallb'
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
