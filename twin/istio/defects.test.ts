import type { RequestListener } from 'node:http'
import { expect, test } from 'vitest'
import type { Container } from '../kubelet/container.ts'
import { ISTIO_DEFECTS } from './defects.ts'
import { IstioHooks } from './hooks.ts'
import type { MeshSnapshot } from './mesh.ts'

/** The hooks of a twin in which one defect is in force. */
function broken(name: keyof typeof ISTIO_DEFECTS): IstioHooks {
  const hooks = new IstioHooks()
  ISTIO_DEFECTS[name](hooks, { isActive: true, since: 0 })
  return hooks
}
const [OLD, NEW] = [
  { cert: 'old', key: 'old' },
  { cert: 'new', key: 'new' },
]
const destination = (subset: string, weight?: number) => ({
  destination: { host: 'web', subset },
  ...(weight === undefined ? {} : { weight }),
})

test('istiod and the configuration of proxies', () => {
  const admin: RequestListener = () => undefined
  expect(broken('endpoints-without-istiod').pushesEndpoints.apply(false)).toBe(true)
  expect(broken('admin-port-open').gatewayPorts.apply({}, { admin })).toEqual({ 15000: admin })
  expect(broken('log-levels-stuck').logLevel.apply('debug', { before: 'warning' })).toBe('warning')
  const policy = { connectionPool: { tcp: { maxConnections: 1 } } }
  expect(broken('connection-pools-ignored').clusterPolicy.apply(policy)).toEqual({})
  expect(broken('overflows-pass').connectionPool.apply(policy)).toEqual({})
})

test('TLS', () => {
  const policy = { apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: 'default' } }
  expect(broken('strict-not-enforced').refusesPlainText.apply(true, { policies: [policy] })).toBe(false)
  const permissive = broken('permissive-refuses').refusesPlainText
  expect(permissive.apply(false, { policies: [policy] })).toBe(false)
  expect(permissive.apply(false, { policies: [policy, policy] })).toBe(true)
  expect(broken('certificates-stay').servedKeyPair.apply(NEW, { held: OLD, stored: NEW })).toBe(OLD)
  expect(broken('certificates-stay').servedKeyPair.apply(NEW, { held: undefined, stored: NEW })).toBe(NEW)
  const dropped = broken('secrets-dropped-at-once').servedKeyPair
  expect(dropped.apply(OLD, { held: OLD, stored: undefined })).toBeUndefined()
})

test('weights and failures', () => {
  const weights = (first: number, second: number) =>
    broken('weights-off')
      .destinations.apply([destination('v1', first), destination('v2', second)])
      .map(({ weight }) => weight)
  expect(weights(50, 50)).toEqual([60, 40])
  expect(weights(70, 30)).toEqual([80, 20])
  expect(weights(80, 20)).toEqual([50, 50])
  expect(weights(95, 5)).toEqual([95, 5])
  const reply = { code: 503, body: '', flags: 'UF', details: '' }
  expect(broken('broken-connections-hang').upstreamFailure.apply(reply)).toBeUndefined()
})

test('a route that has just changed to one destination', () => {
  const { endpoints } = broken('reroute-drops')
  const gateway = {} as Container
  const healthy = [{ address: '10.0.0.1', port: 8080, pod: undefined }]
  const endpointsOf = (generation: number, count: number) => {
    const metadata = { name: 'web', namespace: 'default', uid: 'u', generation }
    const virtualServices = [{ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata }]
    const route = { route: [destination('v1'), destination('v2')].slice(0, count) }
    const found = { route, namespace: 'default', virtualService: 'web' }
    const snapshot = { virtualServices } as unknown as MeshSnapshot
    return endpoints.apply(healthy, { found, snapshot, gateway })
  }
  expect(endpointsOf(4, 1)).toBe(healthy)
  expect(endpointsOf(5, 2)).toBe(healthy)
  expect(endpointsOf(6, 1)).toEqual([])
})
