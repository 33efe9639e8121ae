import { shape } from '../src/shapes/shape.ts'

shape('foreign-load-balancer', {
  healthy: "the gateway's Service is a NodePort, and a load balancer that is no part of the cluster leads to it",
  onTwin: { layout: { balancer: { maker: 'nobody' }, gateways: [{ type: 'NodePort', annotations: {} }] } },
  onKind: {
    make: async (shaper) => {
      const { items } = await shaper.api.list('v1/Node')
      const addresses = (items.at(-1)?.status?.addresses ?? []) as { type: string; address: string }[]
      await shaper.change('v1/Service', 'istio-system', 'istio-ingressgateway', { spec: { type: 'NodePort' } })
      const { spec } = await shaper.api.get('v1/Service', 'istio-ingressgateway', 'istio-system')
      const portOf = (port: number) =>
        ((spec?.ports ?? []) as { port: number; nodePort: number }[]).find((each) => each.port === port)!.nodePort
      const ingress = addresses.find(({ type }) => type === 'InternalIP')?.address ?? ''
      shaper.stack = {
        addresses: { ...shaper.config.addresses, ingress, ports: { http: portOf(80), https: portOf(443) } },
      }
    },
  },
})
