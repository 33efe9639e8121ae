import type { KubeObject } from '../api/object.ts'
import { budget, deployment, service, spreadOver, type DeploymentOptions } from './deployment.ts'
import type { Layout } from './layout.ts'
import type { Versions } from './versions.ts'

const KNATIVE = { 'app.kubernetes.io/name': 'knative-serving' }

/** The Service by which what is in the cluster reaches Knative's Services. */
export const LOCAL_GATEWAY = 'knative-local-gateway'

/** The Deployments, Services and budgets of Knative Serving and net-istio. */
export function knativeDeployments(versions: Versions, { knative: { namespace }, gateways }: Layout): KubeObject[] {
  const [gateway] = gateways
  const image = (name: string) => `gcr.io/knative-releases/knative.dev/serving/cmd/${name}:v${versions.knative}`
  const netIstio = (name: string) =>
    `gcr.io/knative-releases/knative.dev/net-istio/cmd/${name}:v${versions['net-istio']}`
  const serving = (name: string, labels: Record<string, string>, more: Partial<DeploymentOptions> = {}) =>
    deployment({
      namespace,
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
      namespace,
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
    service(namespace, 'activator-service', { app: 'activator' }, [
      ['http-metrics', 9090],
      ['http', 80, 8012],
    ]),
    service(namespace, 'autoscaler', { app: 'autoscaler' }, [
      ['http-metrics', 9090],
      ['http', 8080],
    ]),
    service(namespace, 'controller', { app: 'controller' }, [['http-metrics', 9090]]),
    service(namespace, 'webhook', webhook, [['https-webhook', 443, 8443]]),
    service(namespace, 'net-istio-webhook', netWebhook, [['https-webhook', 443, 8443]]),
    service(gateway!.namespace, LOCAL_GATEWAY, selectorOf(gateway!.labels), [['http2', 80, 8081]], {
      labels: { 'experimental.istio.io/disable-gateway-port-translation': 'true' },
    }),
    budget(namespace, 'activator-pdb', { minAvailable: 1 }, { app: 'activator' }),
    budget(namespace, 'webhook-pdb', { minAvailable: 1 }, { app: 'webhook' }),
    ...['controller', 'autoscaler', 'net-istio-controller', 'net-istio-webhook'].map((app) =>
      budget(namespace, `${app}-pdb`, { maxUnavailable: 1 }, { app }),
    ),
  ]
}

/** What Knative's own Gateways and its local Service select a gateway by: its label `istio`, where it has one. */
export const selectorOf = (labels: Readonly<Record<string, string>>): Record<string, string> =>
  labels.istio ? { istio: labels.istio } : { ...labels }
