import { shape } from '../src/shapes/shape.ts'

shape('istiod-logs-json', {
  healthy: 'istiod and the gateways write their own logs as JSON',
  onTwin: { layout: { istiods: [{ jsonLogs: true }] } },
  onKind: {
    make: async (shaper) => {
      const { spec } = await shaper.api.get('apps/v1/Deployment', 'istiod', 'istio-system')
      const [discovery, ...others] = (spec?.template?.spec?.containers ?? []) as { args?: string[] }[]
      const containers = [{ ...discovery, args: [...(discovery?.args ?? []), '--log_as_json'] }, ...others]
      await shaper.change('apps/v1/Deployment', 'istio-system', 'istiod', {
        spec: { template: { spec: { containers } } },
      })
      await shaper.rolledOut('istio-system', 'istiod')
    },
  },
})
