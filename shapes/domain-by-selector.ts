import { byApi, shape } from '../src/shapes/shape.ts'

shape('domain-by-selector', {
  healthy: 'Services with a label have a domain of their own beside the default one',
  ...byApi((shaper) =>
    shaper.change('v1/ConfigMap', 'knative-serving', 'config-domain', {
      data: { 'apps.internal': 'selector:\n  audience: internal\n' },
    }),
  ),
})
