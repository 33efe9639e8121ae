import { describe, expect, test } from 'vitest'
import { gatewayRoles, type Candidate, type Naming } from './gateway-roles.ts'

const candidate = (
  name: string,
  labels: Record<string, string>,
  { addresses = ['192.0.2.1'], type = 'LoadBalancer' }: { addresses?: string[]; type?: string } = {},
): Candidate => {
  const [namespace = '', service = ''] = name.split('/')
  return { service: { namespace, name: service, type }, podLabels: [labels], addresses }
}

const knative = (service: string, more: Partial<Record<'local' | 'second', string>> = {}): Naming['knative'] => {
  const ref = (text = '') => ({ namespace: text.split('/')[0] ?? '', name: text.split('/')[1] ?? '' })
  return {
    by: 'ConfigMap serving/config-istio',
    gateways: {
      external: [
        { namespace: 'serving', name: 'main', service: ref(service) },
        ...(more.second
          ? [{ namespace: 'serving', name: 'inner', service: ref(more.second), labelSelector: { matchLabels: {} } }]
          : []),
      ],
      local: more.local ? [{ namespace: 'serving', name: 'local', service: ref(more.local) }] : [],
    },
  }
}

const gateway = (name: string, selector: Record<string, string>) => ({
  metadata: { namespace: 'serving', name },
  spec: { selector },
})

const rolesOf = (candidates: Candidate[], naming: Partial<Naming>) => {
  const { roles, by } = gatewayRoles(candidates, { override: {}, objects: [], ...naming })
  return { roles: Object.fromEntries(roles), by }
}

describe('the gateway that carries our requests', () => {
  const main = candidate('ingress/public', { istio: 'ingress' })
  const inner = candidate('ingress/inner', { istio: 'inner' })
  const local = candidate('ingress/knative-local-gateway', { istio: 'ingress' }, { type: 'ClusterIP', addresses: [] })

  test('is that of the Service which config-istio names, behind its Gateway', () => {
    const found = rolesOf([inner, main, local], {
      knative: knative('ingress/public', { local: 'ingress/knative-local-gateway', second: 'ingress/inner' }),
      objects: [gateway('main', { istio: 'ingress' }), gateway('inner', { istio: 'inner' })],
    })
    expect(found.roles).toEqual({
      'ingress/public': 'certified',
      'ingress/inner': 'external',
      'ingress/knative-local-gateway': 'local',
    })
    expect(found.by).toBe('ConfigMap serving/config-istio: service of the default external gateway')
  })

  test('follows the selector of the Gateway where config-istio names a Service of another one', () => {
    const found = rolesOf([inner, main], {
      knative: knative('istio-system/istio-ingressgateway'),
      objects: [gateway('main', { istio: 'ingress' })],
    })
    expect(found.roles).toEqual({ 'ingress/public': 'certified', 'ingress/inner': 'other' })
    expect(found.by).toBe('ConfigMap serving/config-istio: Gateway serving/main selects its pods')
  })

  test('may be one of two: both are told, and the key that chooses', () => {
    const both = [candidate('ingress/a', { istio: 'ingress' }), candidate('ingress/b', { istio: 'ingress' })]
    const found = rolesOf(both, { knative: knative('x/y'), objects: [gateway('main', { istio: 'ingress' })] })
    expect(found.roles).toEqual({ 'ingress/a': 'certified', 'ingress/b': 'external' })
    expect(found.by).toContain('so might ingress/b: gateway in stack.yaml chooses')
  })

  test('is the one with an address where there is no Knative', () => {
    const found = rolesOf([local, main], {})
    expect(found.roles['ingress/public']).toBe('certified')
    expect(found.by).toBe('status.loadBalancer of its Service')
  })

  test('is told by stack.yaml, which must name one that is there', () => {
    const naming = { override: { namespace: 'ingress', service: 'inner' }, knative: knative('ingress/public') }
    expect(rolesOf([main, inner], naming).roles['ingress/inner']).toBe('certified')
    expect(() => rolesOf([main, inner], { override: { namespace: 'a', service: 'b' } })).toThrow(
      'stack.yaml gateway: Service a/b does not exist; found: ingress/public, ingress/inner',
    )
  })

  test('is none that only lets traffic out', () => {
    const egress = candidate('mesh/egress', { istio: 'egressgateway' }, { type: 'ClusterIP', addresses: [] })
    expect(rolesOf([egress, main], {}).roles['mesh/egress']).toBe('egress')
  })
})
