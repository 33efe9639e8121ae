import { expect, test } from 'vitest'
import type { Cluster } from '../cluster/cluster.ts'
import { Istio, staleTypes, type ProxyStatus } from './istio.ts'

const SYNCED: ProxyStatus = {
  proxy: 'gateway.a',
  istio_version: '1.30.3',
  ...{ cluster_sent: 'c1', cluster_acked: 'c1', listener_sent: 'l1', listener_acked: 'l1' },
  ...{ route_sent: 'r1', route_acked: 'r1', endpoint_sent: 'e1', endpoint_acked: 'e1' },
}

test.each<[string, ProxyStatus, string[]]>([
  ['acknowledged everything', SYNCED, []],
  ['has not acknowledged its routes', { ...SYNCED, route_acked: 'r0' }, ['RDS']],
  ['has acknowledged nothing of its endpoints', { ...SYNCED, endpoint_acked: undefined as never }, ['EDS']],
  [
    'was sent neither routes nor endpoints, which it may not need',
    { proxy: 'a', istio_version: '1', cluster_sent: 'c', cluster_acked: 'c', listener_sent: 'l', listener_acked: 'l' },
    [],
  ],
  ['was never sent clusters and listeners', { proxy: 'a', istio_version: '1' }, ['CDS', 'LDS']],
])('a proxy that %s', (_, proxy, stale) => expect(staleTypes(proxy)).toEqual(stale))

test('proxies that could not be asked for are asked for anew', async () => {
  let asked = 0
  const list = () => (++asked === 1 ? Promise.reject(new Error('503')) : Promise.resolve({ items: [] }))
  const istio = new Istio({ k8s: { list } } as unknown as Cluster)
  await expect(istio.proxies()).rejects.toThrow('503')
  await expect(istio.proxies()).rejects.toThrow('app=istiod')
})
