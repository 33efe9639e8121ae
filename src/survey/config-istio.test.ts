import { describe, expect, test } from 'vitest'
import { readConfigIstio } from './config-istio.ts'

const read = (data: Record<string, string>, version?: string) =>
  readConfigIstio(data, { namespace: 'serving', version })
const USUAL = {
  external: [
    {
      ...{ namespace: 'serving', name: 'knative-ingress-gateway' },
      service: { namespace: 'istio-system', name: 'istio-ingressgateway' },
    },
  ],
  local: [
    {
      ...{ namespace: 'serving', name: 'knative-local-gateway' },
      service: { namespace: 'istio-system', name: 'knative-local-gateway' },
    },
  ],
}

describe('config-istio', () => {
  test('empty means the defaults, in the namespace of Knative', () => {
    expect(read({ _example: 'gateway.x: y' })).toEqual(USUAL)
    expect(read({ 'external-gateways': ' ' })).toEqual(USUAL)
  })

  test('the old format, with and without a namespace, and a trailing dot', () => {
    const found = read({
      'gateway.edge.main': 'public.ingress.svc.corp.internal.',
      'local-gateway.inner': 'local.ingress.svc',
    })
    expect(found).toEqual({
      external: [{ namespace: 'edge', name: 'main', service: { namespace: 'ingress', name: 'public' } }],
      local: [{ namespace: 'serving', name: 'inner', service: { namespace: 'ingress', name: 'local' } }],
    })
  })

  test('the new format, with a selector', () => {
    const entry = '{namespace: edge, name: in, service: in.ingress.svc, labelSelector: {matchLabels: {a: b}}}'
    const found = read({ 'external-gateways': `[${entry}]` })
    expect(found.external).toEqual([
      {
        ...{ namespace: 'edge', name: 'in', service: { namespace: 'ingress', name: 'in' } },
        labelSelector: { matchLabels: { a: 'b' } },
      },
    ])
    expect(found.local).toEqual(USUAL.local)
  })

  test('an empty list means none from 1.22 on', () => {
    expect(read({ 'external-gateways': '[]' }, '1.22.0').external).toEqual([])
    expect(read({ 'external-gateways': '[]' }, '1.21.3').external).toEqual(USUAL.external)
  })

  test('both formats, and what is no list, are refused', () => {
    expect(() => read({ 'gateway.a': 'x.y', 'external-gateways': '[]' })).toThrow('has keys of two formats')
    expect(() => read({ 'external-gateways': 'x: [' })).toThrow('is not YAML')
    expect(() => read({ 'external-gateways': 'name: x' })).toThrow('is not a list: net-istio refuses it')
  })
})
