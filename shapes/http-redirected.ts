import { makePrivateIssuer } from '../src/shapes/private-issuer.ts'
import { byApi, shape } from '../src/shapes/shape.ts'

const GATEWAY = 'networking.istio.io/v1/Gateway'

shape('http-redirected', {
  healthy: "Knative's shared Gateway ends TLS with one wildcard certificate, and sends http to https",
  ...byApi(async (shaper) => {
    const issuer = await makePrivateIssuer(shaper)
    const { data } = await shaper.api.get('v1/ConfigMap', 'config-domain', 'knative-serving')
    const domain = Object.keys(data as object).find((key) => key !== '_example') ?? ''
    await shaper.make({
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      metadata: { name: 'services', namespace: 'istio-system' },
      spec: { secretName: 'services', dnsNames: [`*.${domain}`], issuerRef: { kind: 'ClusterIssuer', name: issuer } },
    })
    await shaper.change('v1/ConfigMap', 'knative-serving', 'config-network', {
      data: {
        'domain-template': '{{.Name}}-{{.Namespace}}.{{.Domain}}',
        'default-external-scheme': 'https',
      },
    })
    const hosts = ['*']
    await shaper.change(GATEWAY, 'knative-serving', 'knative-ingress-gateway', {
      spec: {
        servers: [
          { hosts, port: { name: 'http', number: 80, protocol: 'HTTP' }, tls: { httpsRedirect: true } },
          {
            hosts,
            port: { name: 'https', number: 443, protocol: 'HTTPS' },
            tls: { mode: 'SIMPLE', credentialName: 'services' },
          },
        ],
      },
    })
    await shaper.until(
      { kind: 'serving.knative.dev/v1/Service', namespace: 'plumbline', name: 'hello' },
      ([hello]) => (String(hello?.status?.url).startsWith('https:') ? undefined : 'its URL is not https yet'),
      'componentAvailable',
    )
  }),
})
