import { byApi, shape } from '../src/shapes/shape.ts'

shape('domain-template', {
  healthy: "the hosts of Knative's Services are NAME-NAMESPACE.DOMAIN, for which one wildcard certificate is enough",
  ...byApi((shaper) =>
    shaper.change('v1/ConfigMap', 'knative-serving', 'config-network', {
      data: { 'domain-template': '{{.Name}}-{{.Namespace}}.{{.Domain}}' },
    }),
  ),
})
