import { describe, expect, test } from 'vitest'
import { externalGateways } from './gateways.ts'

describe("config-istio's gateways", () => {
  test('are the default where nothing is set, a bare key "gateway" among it', () => {
    expect(externalGateways({ gateway: 'x.y.svc' })).toMatchObject({
      byDefault: true,
      gateways: [{ namespace: 'knative-serving', name: 'knative-ingress-gateway' }],
    })
  })

  test('are read in the old form and the new one', () => {
    expect(externalGateways({ 'gateway.knative-serving.knative-ingress-gateway': 'a.b.svc' }).gateways).toEqual([
      { namespace: 'knative-serving', name: 'knative-ingress-gateway', service: 'a.b.svc' },
    ])
    expect(externalGateways({ 'external-gateways': '- {name: g, namespace: n, service: a.b.svc}' }).gateways).toEqual([
      { name: 'g', namespace: 'n', service: 'a.b.svc' },
    ])
  })

  test('are a problem in both forms at once', () => {
    expect(externalGateways({ 'gateway.a.b': 'x', 'external-gateways': '[]' }).problem).toMatch(/both/)
  })
})
