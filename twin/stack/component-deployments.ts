import type { KubeObject } from '../api/object.ts'
import { balancerDeployments } from './balancer-deployments.ts'
import { deployment, service } from './deployment.ts'
import { istioDeployments } from './istio-deployments.ts'
import { knativeDeployments } from './knative-deployments.ts'
import { certManagerName, type Layout } from './layout.ts'
import type { Versions } from './versions.ts'

function clusterParts(): KubeObject[] {
  return [
    deployment({
      namespace: 'kube-system',
      name: 'coredns',
      image: 'registry.k8s.io/coredns/coredns:v1.12.1',
      labels: { 'k8s-app': 'kube-dns' },
      replicas: 2,
    }),
    deployment({
      namespace: 'kube-system',
      name: 'metrics-server',
      image: 'registry.k8s.io/metrics-server/metrics-server:v0.8.0',
      labels: { 'k8s-app': 'metrics-server' },
    }),
    service('kube-system', 'metrics-server', { 'k8s-app': 'metrics-server' }, [['https', 443, 10250]]),
  ]
}

/** cert-manager as its chart names it. */
function certManager(versions: Versions, layout: Layout['certManager']): KubeObject[] {
  const { namespace, release } = layout
  const fullName = certManagerName(layout)
  const labelsOf = (component: string) => ({
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/instance': release,
  })
  const part = (component: string, suffix = `-${component}`) =>
    deployment({
      namespace,
      name: `${fullName}${suffix}`,
      image: `quay.io/jetstack/cert-manager-${component}:v${versions['cert-manager']}`,
      version: `v${versions['cert-manager']}`,
      labels: {
        ...labelsOf(component),
        'app.kubernetes.io/name': component === 'controller' ? 'cert-manager' : component,
      },
      container: `cert-manager-${component}`,
      ...(component === 'controller'
        ? {
            more: {
              args: [
                '--v=2',
                '--cluster-resource-namespace=$(POD_NAMESPACE)',
                '--leader-election-namespace=kube-system',
              ],
              env: [{ name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } }],
            },
          }
        : {}),
    })
  return [
    part('controller', ''),
    part('webhook'),
    part('cainjector'),
    service(namespace, fullName, labelsOf('controller'), [['tcp-prometheus', 9402]]),
    service(namespace, `${fullName}-webhook`, labelsOf('webhook'), [['https', 443, 10250]]),
  ]
}

/** The Deployments, Services and PodDisruptionBudgets of every component, as an installation leaves them. */
export const componentDeployments = (versions: Versions, layout: Layout, cloud: 'metallb' | 'aws'): KubeObject[] => [
  ...clusterParts(),
  ...balancerDeployments(versions, layout.balancer, cloud),
  ...certManager(versions, layout.certManager),
  ...istioDeployments(versions, layout),
  ...knativeDeployments(versions, layout),
]
