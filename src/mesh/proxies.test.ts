import { expect, test } from 'vitest'
import { namespaceOf, staleProxies, staleTypes, versionIn, type ProxyStatus } from './proxies.ts'

const SYNCED: ProxyStatus = {
  ...{ proxy: 'gateway.a', proxy_type: 'router', istio_version: '1.30.3' },
  ...{ cluster_sent: 'c1', cluster_acked: 'c1', listener_sent: 'l1', listener_acked: 'l1' },
  ...{ route_sent: 'r1', route_acked: 'r1', endpoint_sent: 'e1', endpoint_acked: 'e1' },
}
const never = (proxy_type?: string): ProxyStatus => ({
  ...{ proxy: 'a.b', istio_version: '1' },
  ...(proxy_type ? { proxy_type } : {}),
})

test.each<[string, ProxyStatus, string[]]>([
  ['acknowledged everything', SYNCED, []],
  ['has not acknowledged its routes', { ...SYNCED, route_acked: 'r0' }, ['RDS']],
  ['has acknowledged nothing of its endpoints', { ...SYNCED, endpoint_acked: undefined as never }, ['EDS']],
  [
    'was sent neither routes nor endpoints, which it may not need',
    { ...never('sidecar'), cluster_sent: 'c', cluster_acked: 'c', listener_sent: 'l', listener_acked: 'l' },
    [],
  ],
  ['is a sidecar and was never sent clusters and listeners', never('sidecar'), ['CDS', 'LDS']],
  ['tells no type, as one of an old istiod', never(), ['CDS', 'LDS']],
  ['is a waypoint and was sent nothing', never('waypoint'), ['CDS', 'LDS']],
  ['is a gateway that no Gateway selects', { ...never('router'), cluster_sent: 'c', cluster_acked: 'c' }, []],
  ['is a ztunnel, which is sent none of these', never('ztunnel'), []],
  ['is an agentgateway, which is sent none of these', never('agentgateway'), []],
])('a proxy that %s', (_, proxy, stale) => expect(staleTypes(proxy)).toEqual(stale))

test('proxies by what is stale of them, and the namespace of each', () => {
  const rejecting = { ...SYNCED, proxy: 'web-0.v1.shop', listener_acked: 'l0' }
  expect(staleProxies([SYNCED, rejecting])).toEqual(['web-0.v1.shop LDS'])
  expect(namespaceOf(rejecting)).toBe('shop')
})

test('a version without its build', () => {
  expect(versionIn('1.30.3-0123abc-Clean\n')).toBe('1.30.3')
  expect(versionIn('1.31.0-rc.0-0123abc-Clean')).toBe('1.31.0-rc.0')
})
