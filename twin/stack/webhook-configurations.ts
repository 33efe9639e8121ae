import type { KubeObject } from '../api/object.ts'
import { METALLB_WEBHOOK } from './balancer-deployments.ts'
import { injectorConfigurations } from './injector-configurations.ts'
import { certManagerName, revised, type Layout } from './layout.ts'

const webhookOf = (layout: Layout['certManager']): string => `${certManagerName(layout)}-webhook`

/** The admission webhooks, as their components configure them; `ca` is the PEM that the API server trusts them by. */
export function webhookConfigurations(cloud: 'metallb' | 'aws', ca: string, layout: Layout): KubeObject[] {
  const { namespace } = layout.knative
  const istiod = layout.istiods[0]!
  const { balancer, certManager } = layout
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
      one('webhook.serving.knative.dev', [namespace, 'webhook', '/defaulting'], [rule(knative, ['*'])], included),
    ]),
    configured('Validating', 'validation.webhook.serving.knative.dev', [
      one(
        'validation.webhook.serving.knative.dev',
        [namespace, 'webhook', '/resource-validation'],
        [rule(knative, ['*'], ['CREATE', 'UPDATE', 'DELETE'])],
        included,
      ),
    ]),
    configured('Validating', 'config.webhook.serving.knative.dev', [
      one(
        'config.webhook.serving.knative.dev',
        [namespace, 'webhook', '/config-validation'],
        [rule([''], ['configmaps/*'])],
        settings,
      ),
    ]),
    configured('Mutating', 'webhook.istio.networking.internal.knative.dev', [
      one(
        'webhook.istio.networking.internal.knative.dev',
        [namespace, 'net-istio-webhook', '/defaulting'],
        [rule(['apps'], ['deployments'])],
        { objectSelector: { matchExpressions: [{ key: 'serving.knative.dev/configuration', operator: 'Exists' }] } },
      ),
    ]),
    ...injectorConfigurations(layout.istiods, one, configured),
    configured('Validating', 'istiod-default-validator', [
      one(
        'validation.istio.io',
        [istiod.namespace, revised('istiod', istiod), '/validate'],
        [rule(['security.istio.io', 'networking.istio.io', 'telemetry.istio.io'], ['*'])],
      ),
    ]),
    ...(cloud === 'aws'
      ? [
          configured('Mutating', 'aws-load-balancer-webhook', [
            one(
              'mservice.elbv2.k8s.aws',
              ['kube-system', 'aws-load-balancer-webhook-service', '/mutate-v1-service'],
              [rule([''], ['services'], ['CREATE'])],
            ),
          ]),
        ]
      : []),
    ...(cloud === 'metallb' && balancer.maker === 'metallb'
      ? [
          configured('Validating', 'metallb-webhook-configuration', [
            one(
              'ipaddresspoolvalidationwebhook.metallb.io',
              [balancer.namespace, METALLB_WEBHOOK, '/validate-metallb-io-v1beta1-ipaddresspool'],
              [rule(['metallb.io'], ['ipaddresspools'])],
            ),
          ]),
        ]
      : []),
    configured('Validating', webhookOf(certManager), [
      one(
        'webhook.cert-manager.io',
        [certManager.namespace, webhookOf(certManager), '/validate'],
        [rule(['cert-manager.io'], ['*'])],
      ),
    ]),
  ]
}
