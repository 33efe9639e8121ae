import { makeAuthority } from '../src/tls/authority.ts'
import { byApi, shape } from '../src/shapes/shape.ts'

const [NAMESPACE, NAME] = ['tekton-pipelines', 'tekton-pipelines-webhook']

shape('webhooks-of-others', {
  healthy: 'the webhook of another product has a CA that lives for a week, which that product renews by itself',
  ...byApi(async (shaper) => {
    const { cert } = await makeAuthority(`${NAME}.${NAMESPACE}.svc`, { organization: 'knative.dev', days: 6 })
    await shaper.namespace(NAMESPACE)
    await shaper.make({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: NAME, namespace: NAMESPACE },
      spec: { selector: { app: NAME }, ports: [{ name: 'https-webhook', port: 443, targetPort: 8443 }] },
    })
    await shaper.make({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'validation.webhook.pipeline.tekton.dev' },
      webhooks: [
        {
          name: 'validation.webhook.pipeline.tekton.dev',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Ignore',
          rules: [{ apiGroups: ['tekton.dev'], apiVersions: ['*'], operations: ['CREATE'], resources: ['*'] }],
          clientConfig: {
            caBundle: Buffer.from(cert).toString('base64'),
            service: { namespace: NAMESPACE, name: NAME, path: '/resource-validation', port: 443 },
          },
        },
      ],
    })
  }),
})
