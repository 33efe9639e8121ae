import { makePrivateIssuer } from '../src/shapes/private-issuer.ts'
import { byApi, shape } from '../src/shapes/shape.ts'

shape('https-only', {
  healthy: "Knative's Services are reached by https, with certificates of the company's CA, and http leads there",
  ...byApi(async (shaper) => {
    const issuer = await makePrivateIssuer(shaper)
    await shaper.change('v1/ConfigMap', 'knative-serving', 'config-certmanager', {
      data: { issuerRef: `kind: ClusterIssuer\nname: ${issuer}\n` },
    })
    await shaper.change('v1/ConfigMap', 'knative-serving', 'config-network', {
      data: { 'external-domain-tls': 'Enabled', 'http-protocol': 'Redirected' },
    })
    // The controller takes up certificates only when it starts.
    await shaper.restart('knative-serving', 'controller')
    await shaper.until(
      { kind: 'serving.knative.dev/v1/Service', namespace: 'plumbline', name: 'hello' },
      ([hello]) => (String(hello?.status?.url).startsWith('https:') ? undefined : 'its URL is not https yet'),
      'componentAvailable',
    )
  }),
})
