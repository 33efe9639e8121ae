import type { KubeObject } from '../api/object.ts'
import { budget, deployment, service, spreadOver, type DeploymentOptions } from './deployment.ts'
import type { Versions } from './versions.ts'

const KNATIVE = { 'app.kubernetes.io/name': 'knative-serving' }
function knative(versions: Versions): KubeObject[] {
  const image = (name: string) => `gcr.io/knative-releases/knative.dev/serving/cmd/${name}:v${versions.knative}`
  const netIstio = (name: string) =>
    `gcr.io/knative-releases/knative.dev/net-istio/cmd/${name}:v${versions['net-istio']}`
  const serving = (name: string, labels: Record<string, string>, more: Partial<DeploymentOptions> = {}) =>
    deployment({
      namespace: 'knative-serving',
      name,
      image: image(name),
      version: versions.knative,
      labels,
      part: { ...KNATIVE, 'app.kubernetes.io/component': name },
      ports: [9090, 8008],
      ...more,
    })
  const net = (name: string, labels: Record<string, string>, kind: string) =>
    deployment({
      namespace: 'knative-serving',
      name,
      image: netIstio(kind),
      version: versions['net-istio'],
      labels,
      container: kind,
      part: { ...KNATIVE, 'app.kubernetes.io/component': 'net-istio' },
    })
  const [activator, webhook, netWebhook] = [
    { app: 'activator', role: 'activator' },
    { app: 'webhook', role: 'webhook' },
    { app: 'net-istio-webhook', role: 'net-istio-webhook' },
  ]
  return [
    serving('activator', activator, {
      replicas: 2,
      ports: [8012, 9090],
      pod: spreadOver({ app: 'activator' }, 'kubernetes.io/hostname'),
    }),
    serving('autoscaler', { app: 'autoscaler' }),
    serving('controller', { app: 'controller' }),
    serving('webhook', webhook, { replicas: 2, pod: spreadOver({ app: 'webhook' }, 'kubernetes.io/hostname') }),
    net('net-istio-controller', { app: 'net-istio-controller' }, 'controller'),
    net('net-istio-webhook', netWebhook, 'webhook'),
    service('knative-serving', 'activator-service', { app: 'activator' }, [
      ['http-metrics', 9090],
      ['http', 80, 8012],
    ]),
    service('knative-serving', 'autoscaler', { app: 'autoscaler' }, [
      ['http-metrics', 9090],
      ['http', 8080],
    ]),
    service('knative-serving', 'controller', { app: 'controller' }, [['http-metrics', 9090]]),
    service('knative-serving', 'webhook', webhook, [['https-webhook', 443, 8443]]),
    service('knative-serving', 'net-istio-webhook', netWebhook, [['https-webhook', 443, 8443]]),
    service('istio-system', 'knative-local-gateway', { istio: 'ingressgateway' }, [['http2', 80, 8081]], {
      labels: { 'experimental.istio.io/disable-gateway-port-translation': 'true' },
    }),
    budget('knative-serving', 'activator-pdb', { minAvailable: 1 }, { app: 'activator' }),
    budget('knative-serving', 'webhook-pdb', { minAvailable: 1 }, { app: 'webhook' }),
    ...['controller', 'autoscaler', 'net-istio-controller', 'net-istio-webhook'].map((app) =>
      budget('knative-serving', `${app}-pdb`, { maxUnavailable: 1 }, { app }),
    ),
  ]
}

function istio(versions: Versions): KubeObject[] {
  const gateway = { app: 'istio-ingressgateway', istio: 'ingressgateway' }
  return [
    budget('istio-system', 'istiod', { minAvailable: 1 }, { app: 'istiod', istio: 'pilot' }),
    budget('istio-system', 'istio-ingressgateway', { minAvailable: 1 }, gateway),
    deployment({
      namespace: 'istio-system',
      name: 'istiod',
      image: `docker.io/istio/pilot:${versions.istio}`,
      labels: { istio: 'pilot' },
      part: { app: 'istiod' },
      container: 'discovery',
      replicas: 2,
      ports: [15010, 15012, 15014],
      pod: spreadOver({ app: 'istiod' }, 'kubernetes.io/hostname'),
    }),
    deployment({
      namespace: 'istio-system',
      name: 'istio-ingressgateway',
      image: `docker.io/istio/proxyv2:${versions.istio}`,
      labels: gateway,
      container: 'istio-proxy',
      replicas: 3,
      ports: [15021, 8080, 8443],
      more: {
        args: ['proxy', 'router', '--domain', '$(POD_NAMESPACE).svc.cluster.local'],
        readinessProbe: { httpGet: { path: '/healthz/ready', port: 15021 }, periodSeconds: 5, failureThreshold: 4 },
      },
      pod: spreadOver({ istio: 'ingressgateway' }, 'topology.kubernetes.io/zone'),
    }),
    service('istio-system', 'istiod', { app: 'istiod', istio: 'pilot' }, [
      ['grpc-xds', 15010],
      ['https-dns', 15012],
      ['https-webhook', 443, 15017],
      ['http-monitoring', 15014],
    ]),
    service(
      'istio-system',
      'istio-ingressgateway',
      gateway,
      [
        ['status-port', 15021],
        ['http2', 80, 8080],
        ['https', 443, 8443],
      ],
      {
        type: 'LoadBalancer',
        labels: gateway,
        annotations: {
          'service.beta.kubernetes.io/aws-load-balancer-type': 'external',
          'service.beta.kubernetes.io/aws-load-balancer-nlb-target-type': 'ip',
          'service.beta.kubernetes.io/aws-load-balancer-scheme': 'internal',
          'service.beta.kubernetes.io/aws-load-balancer-attributes': 'load_balancing.cross_zone.enabled=true',
        },
      },
    ),
  ]
}

function metallb(versions: Versions): KubeObject[] {
  const labels = { app: 'metallb', component: 'controller' }
  return [
    deployment({
      namespace: 'metallb-system',
      name: 'controller',
      image: `quay.io/metallb/controller:v${versions.metallb}`,
      labels,
    }),
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'speaker', namespace: 'metallb-system', labels: { app: 'metallb', component: 'speaker' } },
      spec: {
        selector: { matchLabels: { app: 'metallb', component: 'speaker' } },
        template: {
          metadata: { labels: { app: 'metallb', component: 'speaker' } },
          spec: {
            tolerations: [{ operator: 'Exists' }],
            containers: [{ name: 'speaker', image: `quay.io/metallb/speaker:v${versions.metallb}` }],
          },
        },
      },
    },
    service('metallb-system', 'metallb-webhook-service', { component: 'controller' }, [['https', 443, 9443]]),
  ]
}

function awsController(): KubeObject[] {
  const labels = { 'app.kubernetes.io/name': 'aws-load-balancer-controller' }
  const name = 'aws-load-balancer-controller'
  return [
    deployment({
      namespace: 'kube-system',
      name,
      image: `public.ecr.aws/eks/${name}:v3.5.0`,
      version: 'v3.5.0',
      labels,
      replicas: 2,
      more: { args: ['--cluster-name=plumbline', '--ingress-class=alb'] },
      pod: { serviceAccountName: name },
    }),
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: {
        name,
        namespace: 'kube-system',
        annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::000000000000:role/lb-controller' },
      },
    },
    service('kube-system', 'aws-load-balancer-webhook-service', labels, [['https', 443, 9443]]),
  ]
}

/** The Deployments, Services and PodDisruptionBudgets of every component, as an installation leaves them. */
export function componentDeployments(versions: Versions, cloud: 'metallb' | 'aws'): KubeObject[] {
  const certManager = (name: string, component: string, image: string) =>
    deployment({
      namespace: 'cert-manager',
      name,
      image: `quay.io/jetstack/cert-manager-${image}:v${versions['cert-manager']}`,
      version: `v${versions['cert-manager']}`,
      labels: {
        'app.kubernetes.io/component': component,
        'app.kubernetes.io/instance': 'cert-manager',
        'app.kubernetes.io/name': image === 'controller' ? 'cert-manager' : image,
      },
      container: `cert-manager-${image}`,
    })
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
    ...(cloud === 'aws' ? awsController() : metallb(versions)),
    certManager('cert-manager', 'controller', 'controller'),
    certManager('cert-manager-webhook', 'webhook', 'webhook'),
    certManager('cert-manager-cainjector', 'cainjector', 'cainjector'),
    service(
      'cert-manager',
      'cert-manager',
      { 'app.kubernetes.io/component': 'controller', 'app.kubernetes.io/instance': 'cert-manager' },
      [['tcp-prometheus', 9402]],
    ),
    service(
      'cert-manager',
      'cert-manager-webhook',
      { 'app.kubernetes.io/component': 'webhook', 'app.kubernetes.io/instance': 'cert-manager' },
      [['https', 443, 10250]],
    ),
    ...istio(versions),
    ...knative(versions),
  ]
}
