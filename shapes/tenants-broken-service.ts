import { byApi, shape } from '../src/shapes/shape.ts'

shape('tenants-broken-service', {
  healthy: 'a Service of a tenant does not become Ready, as its image does not exist: the stack has no part in that',
  ...byApi(async (shaper) => {
    await shaper.namespace('team-a')
    await shaper.make({
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata: { name: 'broken', namespace: 'team-a' },
      spec: { template: { spec: { containers: [{ image: 'registry.invalid/team-a/broken:1' }] } } },
    })
  }),
})
