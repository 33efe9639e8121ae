import { shape } from '../src/shapes/shape.ts'

shape('gateway-chart', {
  healthy: "the gateway is a release of Istio's own chart in namespace istio-ingress, whose pods listen on 80 and 443",
  onTwin: {
    layout: {
      gateways: [
        {
          namespace: 'istio-ingress',
          name: 'istio-ingress',
          labels: { app: 'istio-ingress', istio: 'ingress' },
          injected: true,
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
