import { servedKind } from '../src/cluster/served.ts'
import { partOf } from '../src/sabotage/parts.ts'
import { sabotage } from '../src/sabotage/sabotage.ts'
import type { Saboteur } from '../src/sabotage/saboteur.ts'
import { knativeNamespace, theKnative } from '../src/survey/surveyed.ts'
import { workloadId } from '../src/survey/workload-id.ts'
import { knativeGateway } from './knative-gateway.ts'

const setting = (map: string, data: Record<string, string | null>) => async (saboteur: Saboteur) =>
  saboteur.change('v1/ConfigMap', await knativeNamespace(saboteur), map, { data })

sabotage(
  'net-istio-behind',
  { breaks: 'net-istio is one minor version behind Knative Serving', fails: ['knative/version'] },
  async (saboteur) => {
    const { kind, namespace, name } = workloadId(await partOf(saboteur, 'knative/net-istio-controller'))
    const metadata = { labels: { 'app.kubernetes.io/version': '1.21.0' } }
    await saboteur.change(kind, namespace, name, { metadata })
  },
)

sabotage(
  'metrics-crd-gone',
  {
    // The autoscaler logs an error each time that it cannot create one.
    breaks: "the CRD of Knative's Metric is missing",
    fails: ['knative/crds', 'knative/component-logs', 'knative/hello-ready'],
    afterwards: ['knative/autoscaler'],
  },
  (saboteur) =>
    saboteur.remove(
      'apiextensions.k8s.io/v1/CustomResourceDefinition',
      undefined,
      'metrics.autoscaling.internal.knative.dev',
    ),
)

sabotage('activator-gone', { breaks: 'the activator has no pod', fails: ['knative/pods-running'] }, async (saboteur) =>
  saboteur.scale(await partOf(saboteur, 'knative/activator'), 0),
)

sabotage(
  'webhook-lenient',
  { breaks: "Knative's validating webhook has failurePolicy Ignore", fails: ['knative/webhooks'] },
  async (saboteur) => {
    const kind = 'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration'
    const { webhooks } = await saboteur.api.get(kind, 'validation.webhook.serving.knative.dev')
    await saboteur.change(kind, undefined, 'validation.webhook.serving.knative.dev', {
      webhooks: (webhooks as object[]).map((webhook) => ({ ...webhook, failurePolicy: 'Ignore' })),
    })
  },
)

sabotage(
  'minimum-overridden',
  {
    breaks: "KUBERNETES_MIN_VERSION overrides the oldest Kubernetes version that Knative's controller accepts",
    fails: ['knative/minimum-kubernetes'],
  },
  async (saboteur) => {
    const { kind, namespace, name } = workloadId(await partOf(saboteur, 'knative/controller'))
    const { spec } = await saboteur.api.get(kind, name, namespace)
    const [first, ...rest] = spec?.template.spec.containers as { env?: object[] }[]
    const env = [...(first?.env ?? []), { name: 'KUBERNETES_MIN_VERSION', value: 'v1.20.0' }]
    await saboteur.change(kind, namespace, name, {
      spec: { template: { spec: { containers: [{ ...first, env }, ...rest] } } },
    })
    await saboteur.rolledOut(await partOf(saboteur, 'knative/controller'))
  },
)

sabotage(
  'autoscaler-at-debug',
  {
    breaks: 'the log level of the autoscaler is debug',
    fails: ['knative/component-logs'],
    restarts: ['knative/autoscaler'],
  },
  setting('config-logging', { 'loglevel.autoscaler': 'debug' }),
)

sabotage(
  'metrics-off',
  { breaks: 'Knative exports no metrics', fails: ['knative/metrics'] },
  setting('config-observability', { 'metrics-protocol': 'none' }),
)

sabotage(
  'other-ingress-class',
  {
    breaks: 'ConfigMap config-network sets the ingress class of another controller, Kourier',
    fails: ['knative/ingress-class'],
  },
  setting('config-network', { 'ingress-class': 'kourier.ingress.networking.knative.dev' }),
)

sabotage(
  'domain-missing',
  { breaks: 'ConfigMap config-domain has no key but _example', fails: ['knative/domain', 'knative/virtual-service'] },
  async (saboteur) => {
    const { domains } = await theKnative(saboteur)
    const none = Object.fromEntries(Object.keys(domains).map((domain) => [domain, null]))
    await setting('config-domain', none)(saboteur)
  },
)

sabotage(
  'gateway-on-another-port',
  {
    breaks: "Knative's Gateway listens on port 8090",
    fails: ['knative/gateway-config', 'mesh/gateway-ports'],
  },
  async (saboteur) => {
    const { namespace, name } = await knativeGateway(saboteur)
    await saboteur.change(await servedKind(saboteur, 'networking.istio.io/Gateway'), namespace, name, {
      spec: { servers: [{ hosts: ['*'], port: { name: 'http', number: 8090, protocol: 'HTTP' } }] },
    })
  },
)

sabotage(
  'autoscaler-key-misspelled',
  {
    breaks: 'ConfigMap config-autoscaler has a misspelled key',
    fails: ['knative/autoscaler-config', 'knative/settings'],
  },
  setting('config-autoscaler', { 'stable-windw': '30s' }),
)

sabotage(
  'gc-key-misspelled',
  { breaks: 'ConfigMap config-gc has a misspelled key', fails: ['knative/revision-gc', 'knative/settings'] },
  setting('config-gc', { 'min-non-active-revision': '3' }),
)

/** Makes a validating webhook of Knative select no object. */
const selectNothing = (name: string) => async (saboteur: Saboteur) => {
  const kind = 'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration'
  const { webhooks } = await saboteur.api.get(kind, name)
  await saboteur.change(kind, undefined, name, {
    webhooks: (webhooks as object[]).map((webhook) => ({
      ...webhook,
      objectSelector: { matchLabels: { nobody: 'has-this' } },
    })),
  })
}

sabotage(
  'settings-unvalidated',
  {
    breaks: "Knative's validating webhook is not called for Knative's ConfigMaps",
    fails: ['knative/example-edit-refused', 'knative/scale-down-rate-one-refused'],
  },
  selectNothing('config.webhook.serving.knative.dev'),
)

sabotage(
  'services-unvalidated',
  {
    breaks: "Knative's validating webhook is not called for Services",
    fails: ['knative/misplaced-annotations-refused', 'knative/traffic-must-be-100', 'knative/bad-annotation-refused'],
  },
  selectNothing('validation.webhook.serving.knative.dev'),
)

sabotage(
  'queue-proxy-too-big',
  { breaks: 'queue-proxy requests more CPU than a node has', fails: ['knative/hello-ready'] },
  setting('config-deployment', { 'queue-sidecar-cpu-request': '1000' }),
)

sabotage(
  'domain-template-changed',
  {
    breaks: "the domain template of ConfigMap config-network leaves config-domain's domain out",
    fails: ['knative/hello-url'],
  },
  setting('config-network', { 'domain-template': '{{.Name}}.{{.Namespace}}.elsewhere.test' }),
)

sabotage(
  'no-local-gateway',
  {
    breaks: 'ConfigMap config-istio names no local gateway',
    fails: ['knative/virtual-service'],
    restarts: ['knative/net-istio-controller'],
  },
  setting('config-istio', { 'local-gateways': '[]' }),
)

sabotage(
  'never-to-zero',
  { breaks: 'scale to zero is turned off in ConfigMap config-autoscaler', fails: ['knative/scale-to-zero'] },
  setting('config-autoscaler', { 'enable-scale-to-zero': 'false' }),
)

sabotage(
  'setting-misspelled',
  { breaks: 'config-deployment has a key that Knative does not know', fails: ['knative/settings'] },
  setting('config-deployment', { 'progress-deadlin': '300s' }),
)
