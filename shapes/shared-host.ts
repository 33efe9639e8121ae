import { byApi, shape } from '../src/shapes/shape.ts'

const GATEWAY = 'knative-serving/knative-ingress-gateway'

shape('shared-host', {
  healthy: 'two VirtualServices of two teams share a host of the gateway, each with paths of its own',
  ...byApi(async (shaper) => {
    for (const [namespace, prefix] of [
      ['team-a', '/cart'],
      ['team-b', '/search'],
    ] as const) {
      await shaper.namespace(namespace)
      await shaper.make({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace },
        spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }] },
      })
      await shaper.make({
        apiVersion: 'networking.istio.io/v1',
        kind: 'VirtualService',
        metadata: { name: 'shop', namespace },
        spec: {
          hosts: ['shop.test'],
          gateways: [GATEWAY],
          http: [
            {
              match: [{ uri: { prefix } }],
              route: [{ destination: { host: `web.${namespace}.svc.cluster.local`, port: { number: 80 } } }],
            },
          ],
        },
      })
    }
  }),
})
