import { byApi, shape } from '../src/shapes/shape.ts'

const PROVIDER = { 'networking.knative.dev/ingress-provider': 'kourier' }

shape('kourier-beside', {
  healthy: 'Kourier is installed beside net-istio; ingress-class is not set, so that Istio serves',
  ...byApi(async (shaper) => {
    await shaper.namespace('kourier-system', PROVIDER)
    for (const [namespace, name] of [
      ['knative-serving', 'net-kourier-controller'],
      ['kourier-system', '3scale-kourier-gateway'],
    ] as const) {
      const labels = { app: name }
      const known = {
        ...PROVIDER,
        'app.kubernetes.io/name': 'knative-serving',
        'app.kubernetes.io/component': 'net-kourier',
      }
      await shaper.make({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: name, namespace: namespace, labels: known },
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels: { ...labels, ...known } },
            // Its own image is on no node: what counts is that it stands there, and is Ready.
            spec: {
              containers: [{ name: 'main', image: shaper.config.images.nginx, imagePullPolicy: 'IfNotPresent' }],
            },
          },
        },
      })
      await shaper.rolledOut(namespace, name)
    }
    await shaper.make({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kourier', namespace: 'kourier-system', labels: PROVIDER },
      spec: { selector: { app: '3scale-kourier-gateway' }, ports: [{ name: 'http2', port: 80 }] },
    })
  }),
})
