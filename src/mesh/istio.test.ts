import { expect, test } from 'vitest'
import type { Cluster } from '../cluster/cluster.ts'
import { found } from '../survey/fact.ts'
import type { Gateway, Istiod } from '../survey/survey.ts'
import { Istio } from './istio.ts'

const istiod = {
  workload: {
    namespace: 'mesh',
    name: 'istiod-1-31',
    selector: { app: 'istiod', 'istio.io/rev': '1-31' },
    replicas: 2,
  },
  mesh: found({ defaultConfig: { proxyAdminPort: 15009 } }, ''),
} as unknown as Istiod
const gateway = {
  role: 'certified',
  service: { namespace: 'edge', name: 'edge' },
  ...{ adminPort: 16000, istiod: found('mesh/istiod-1-31', '') },
  workloads: [{ selector: { app: 'edge' } }],
} as unknown as Gateway

const istioWith = (list: () => Promise<unknown>): Istio => {
  const survey = () => Promise.resolve({ istiods: found([istiod], ''), gateways: found([gateway], '') })
  return new Istio({ k8s: { list }, survey } as unknown as Cluster)
}

test('proxies that could not be asked for are asked for anew', async () => {
  let asked = 0
  const istio = istioWith(() => (++asked === 1 ? Promise.reject(new Error('503')) : Promise.resolve({ items: [] })))
  await expect(istio.proxies()).rejects.toThrow('503')
  await expect(istio.proxies()).rejects.toThrow('Deployment mesh/istiod-1-31: no pod of this istiod is Ready.')
})

test('the admin port is that of the gateway, and of any other pod that of the mesh', async () => {
  const istio = istioWith(() => Promise.resolve({ items: [] }))
  expect(await istio.adminPort({ metadata: { namespace: 'edge', labels: { app: 'edge' } } })).toBe(16000)
  expect(await istio.adminPort({ metadata: { namespace: 'shop', labels: { app: 'edge' } } })).toBe(15009)
})
