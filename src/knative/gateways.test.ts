import { describe, expect, test } from 'vitest'
import type { KubernetesObject } from '../core/object.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { defaultDomain, gatewayTroubles } from './gateways.ts'

const NAMED = { namespace: 'kn', name: 'shared', service: { namespace: 'front', name: 'edge' } }

/** A cluster with one gateway behind Service front/edge, whose pods have the label app=edge, on ports 80 and 443. */
function clusterWith(object: KubernetesObject | undefined, more: object = {}): Cluster {
  const gateway = {
    service: { namespace: 'front', name: 'edge' },
    ports: [
      { port: 80, target: 80 },
      { port: 443, target: 443 },
    ],
    workloads: [{ kind: 'DaemonSet', namespace: 'front', name: 'edge', podLabels: { app: 'edge', istio: 'edge' } }],
  }
  const knative = { domains: { 'example.com': {}, 'a.org': { app: 'b' } }, httpProtocol: 'enabled', ...more }
  const survey = {
    platform: { served: { 'networking.istio.io/Gateway': 'v1' } },
    gateways: { value: [gateway], by: '' },
    knative: { value: knative, by: '' },
  }
  return { survey: () => Promise.resolve(survey), maybe: () => Promise.resolve(object) } as unknown as Cluster
}

const gatewayOf = (server: object, selector: object = { istio: 'edge' }): KubernetesObject => ({
  spec: { selector, servers: [server] },
})
const http = (number: number, hosts = ['*'], protocol = 'HTTP') => ({ port: { number, protocol }, hosts })

describe('a Gateway that config-istio names is in order', () => {
  test.each<[string, object]>([
    ['with HTTP for all hosts', http(80)],
    ["with HTTPS for the default domain's hosts", http(443, ['*.example.com'], 'HTTPS')],
    ['with hosts of one namespace of it', http(80, ['kn/*.shop.example.com'])],
  ])('%s', async (_, server) => {
    expect(await gatewayTroubles(clusterWith(gatewayOf(server)), [NAMED])).toEqual([])
  })

  test('without such a server where each Service has Gateways of its own', async () => {
    const cluster = clusterWith(gatewayOf(http(8443, ['x.org'], 'TLS')), { httpProtocol: 'redirected' })
    expect(await gatewayTroubles(cluster, [NAMED])).toEqual([])
  })
})

describe('it is not', () => {
  test('where it does not exist', async () => {
    expect(await gatewayTroubles(clusterWith(undefined), [NAMED])).toEqual(['Gateway kn/shared does not exist'])
  })

  test('where its Service has no gateway behind it', async () => {
    const named = { ...NAMED, service: { namespace: 'istio-system', name: 'gone' } }
    expect(await gatewayTroubles(clusterWith(gatewayOf(http(80))), [named])).toEqual([
      'Gateway kn/shared: config-istio maps it to Service istio-system/gone, ' +
        'which has no pods of a gateway behind it',
    ])
  })

  test('where it selects other pods', async () => {
    expect(await gatewayTroubles(clusterWith(gatewayOf(http(80), { istio: 'ingressgateway' })), [NAMED])).toEqual([
      'Gateway kn/shared: selector {"istio":"ingressgateway"} does not select the pods of DaemonSet front/edge, ' +
        'which are behind Service front/edge',
    ])
  })

  test.each<[string, object]>([
    ['another port', http(8090)],
    ['hosts of another domain', http(80, ['*.other.org'])],
    ['a protocol that is none of HTTP', http(80, ['*'], 'TCP')],
  ])('where its server has %s', async (_, server) => {
    const [trouble] = await gatewayTroubles(clusterWith(gatewayOf(server)), [NAMED])
    expect(trouble).toContain('no server for HTTP or HTTPS on a port of Service front/edge (80, 443) has hosts "*" or')
  })
})

test('the default domain is the first without a selector', () => {
  expect(defaultDomain({ domains: { 'c.org': {}, 'b.org': {}, 'a.org': { app: 'a' } } })).toBe('b.org')
  expect(defaultDomain({ domains: { 'a.org': { app: 'a' } } })).toBeUndefined()
})
