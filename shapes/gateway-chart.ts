import { shape } from '../src/shapes/shape.ts'

const [NAMESPACE, NAME] = ['istio-ingress', 'istio-ingress']

shape('gateway-chart', {
  healthy: "the gateway is a release of Istio's own chart in namespace istio-ingress, whose pods listen on 80 and 443",
  onTwin: {
    layout: {
      gateways: [
        {
          ...{ namespace: NAMESPACE, name: NAME, labels: { app: NAME, istio: 'ingress' }, injected: true },
          ports: [
            ['status-port', 15021, 15021],
            ['http2', 80, 80],
            ['https', 443, 443],
          ],
        },
      ],
    },
  },
  onKind: { cannot: 'not written yet' },
})
