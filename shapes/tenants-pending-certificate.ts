import { byApi, shape } from '../src/shapes/shape.ts'

shape('tenants-pending-certificate', {
  healthy: 'a Certificate of a tenant waits for an Issuer that nobody has made yet',
  ...byApi(async (shaper) => {
    await shaper.namespace('team-a')
    await shaper.make({
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      metadata: { name: 'pending', namespace: 'team-a' },
      spec: { secretName: 'pending', dnsNames: ['team-a.test'], issuerRef: { kind: 'Issuer', name: 'not-yet' } },
    })
  }),
})
