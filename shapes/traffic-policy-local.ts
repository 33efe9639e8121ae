import { byApi, shape } from '../src/shapes/shape.ts'

shape('traffic-policy-local', {
  healthy: "the gateway's Service keeps the client's address: its externalTrafficPolicy is Local",
  ...byApi((shaper) =>
    shaper.change('v1/Service', 'istio-system', 'istio-ingressgateway', { spec: { externalTrafficPolicy: 'Local' } }),
  ),
})
