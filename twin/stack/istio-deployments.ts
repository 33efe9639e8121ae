import type { KubeObject } from '../api/object.ts'
import { budget, daemonSet, deployment, service, spreadOver } from './deployment.ts'
import { istiodOf, revised, type GatewayLayout, type IstiodLayout, type Layout } from './layout.ts'
import type { Versions } from './versions.ts'

const versionOf = (layout: IstiodLayout, versions: Versions): string => layout.version || versions.istio

/** The labels by which the Service of an istiod selects its pods. */
const istiodLabels = ({ revision }: IstiodLayout): Record<string, string> =>
  revision ? { app: 'istiod', 'istio.io/rev': revision } : { app: 'istiod', istio: 'pilot' }

function istiod(layout: IstiodLayout, versions: Versions, clusterDomain: string): KubeObject[] {
  const { namespace, revision, replicas, jsonLogs } = layout
  const name = revised('istiod', layout)
  const labels = istiodLabels(layout)
  return [
    budget(namespace, name, { minAvailable: 1 }, labels),
    deployment({
      namespace,
      name,
      image: `docker.io/istio/pilot:${versionOf(layout, versions)}`,
      labels: revision ? labels : { istio: 'pilot' },
      part: {
        ...(revision ? { istio: 'istiod' } : { app: 'istiod', 'istio.io/rev': 'default' }),
        'sidecar.istio.io/inject': 'false',
      },
      container: 'discovery',
      replicas,
      ports: [15010, 15012, 15014],
      more: {
        args: [
          'discovery',
          '--monitoringAddr=:15014',
          '--log_output_level=default:info',
          ...(jsonLogs ? ['--log_as_json'] : []),
          '--domain',
          clusterDomain,
        ],
        env: [
          { name: 'REVISION', value: revision || 'default' },
          { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
          { name: 'CLUSTER_ID', value: 'Kubernetes' },
        ],
      },
      pod: { serviceAccountName: name, ...spreadOver(labels, 'kubernetes.io/hostname') },
    }),
    service(
      namespace,
      name,
      labels,
      [
        ['grpc-xds', 15010],
        ['https-dns', 15012],
        ['https-webhook', 443, 15017],
        ['http-monitoring', 15014],
      ],
      revision ? { labels: { ...labels, istio: 'pilot' } } : {},
    ),
  ]
}

const READY = {
  readinessProbe: { httpGet: { path: '/healthz/ready', port: 15021 }, periodSeconds: 5, failureThreshold: 4 },
}

function gateway(layout: GatewayLayout, { istiods, clusterDomain }: Layout, versions: Versions): KubeObject[] {
  const { namespace, name, labels, kind, replicas, ports, type, annotations, revision, injected } = layout
  const { externalTrafficPolicy } = layout
  const make = kind === 'DaemonSet' ? daemonSet : deployment
  const istiod = istiodOf({ istiods }, revision)
  const image = `docker.io/istio/proxyv2:${versionOf(istiod, versions)}`
  const domain = ['--domain', `$(POD_NAMESPACE).svc.${clusterDomain}`]
  const args = ['proxy', 'router', ...domain, ...(istiod.jsonLogs ? ['--log_as_json'] : [])]
  const workload = make({
    namespace,
    name,
    image: injected ? 'auto' : image,
    labels,
    container: 'istio-proxy',
    replicas,
    ports: ports.map(([, , target]) => target),
    more: injected ? {} : { args, ...READY },
    part: {
      ...(injected ? { 'sidecar.istio.io/inject': 'true' } : {}),
      // A pod with a revision is injected, unless it says that it is not to be.
      ...(revision ? { 'istio.io/rev': revision, ...(injected ? {} : { 'sidecar.istio.io/inject': 'false' }) } : {}),
    },
    annotations: injected ? { 'inject.istio.io/templates': 'gateway' } : {},
    pod: {
      ...(injected ? { serviceAccountName: name } : {}),
      ...spreadOver(spreadLabels(labels), 'topology.kubernetes.io/zone'),
    },
  })
  return [
    // Pods of a DaemonSet are not evicted by a drain.
    ...(kind === 'DaemonSet' ? [] : [budget(namespace, name, { minAvailable: 1 }, labels)]),
    workload,
    service(namespace, name, labels, ports, {
      type,
      labels,
      annotations,
      ...(externalTrafficPolicy === 'Local' ? { externalTrafficPolicy } : {}),
    }),
  ]
}

/** The label by which the pods of a gateway are spread: the last one, which tells gateways apart. */
const spreadLabels = (labels: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).slice(-1))

/** ztunnel and istio-cni, which take no part in anything until a namespace is enrolled. */
const ambient = (versions: Versions, namespace: string): KubeObject[] => [
  daemonSet({
    namespace,
    name: 'ztunnel',
    container: 'istio-proxy',
    image: `docker.io/istio/ztunnel:${versions.istio}`,
    labels: { app: 'ztunnel' },
    annotations: { 'istio.io/rev': 'default' },
    more: { args: ['proxy', 'ztunnel'] },
    pod: { tolerations: [{ operator: 'Exists' }], serviceAccountName: 'ztunnel' },
  }),
  daemonSet({
    namespace: 'kube-system',
    name: 'istio-cni-node',
    container: 'install-cni',
    image: `docker.io/istio/install-cni:${versions.istio}`,
    labels: { 'k8s-app': 'istio-cni-node' },
    pod: { tolerations: [{ operator: 'Exists' }] },
  }),
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio-cni-config', namespace: 'kube-system' },
    data: { AMBIENT_ENABLED: 'true', CURRENT_AGENT_VERSION: versions.istio },
  },
]

/** The Deployments, DaemonSets, Services and budgets of Istio: its istiods, its gateways and what ambient adds. */
export const istioDeployments = (versions: Versions, layout: Layout): KubeObject[] => [
  ...layout.istiods.flatMap((each) => istiod(each, versions, layout.clusterDomain)),
  ...layout.gateways.flatMap((each) => gateway(each, layout, versions)),
  ...(layout.ambient ? ambient(versions, layout.istiods[0]!.namespace) : []),
]
