import { describe, expect, test } from 'vitest'
import { blankSurvey } from '../../test/blank-survey.ts'
import { stackSchema } from '../config/stack-schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { found } from '../survey/fact.ts'
import type { Gateway, GatewayPort } from '../survey/survey.ts'
import type { Agent } from './agent.ts'
import { Ingress, withOurs } from './ingress.ts'

const PORTS = [
  { name: 'http2', port: 80, target: 80 },
  { name: 'https', port: 443, target: 443 },
]

/** The ingress of a cluster whose certified gateway has these ports and addresses. */
function ingressOf(
  config: object = {},
  { ports = PORTS, addresses = ['10.0.0.7'] }: { ports?: GatewayPort[]; addresses?: string[] } = {},
) {
  const gateway = {
    role: 'certified',
    service: { namespace: 'ingress', name: 'public' },
    ports,
    balancer: found({ maker: 'metallb', announcers: [], addresses }, 'status'),
  } as unknown as Gateway
  const survey = () => Promise.resolve(blankSurvey({ gateways: found([gateway], 'config-istio') }))
  return new Ingress({ config: stackSchema.parse(config), survey } as unknown as Cluster, {} as Agent)
}

describe('where a request goes', () => {
  test("is the gateway's address and port for HTTP, where nobody said otherwise", async () => {
    expect(await ingressOf().at('a.test')).toEqual({ scheme: 'http', address: '10.0.0.7', port: 80 })
  })

  test('is by https for a host that is served so', async () => {
    const ingress = ingressOf()
    ingress.serves({ host: 'a.test', scheme: 'https' })
    expect(await ingress.at('a.test')).toEqual({ scheme: 'https', address: '10.0.0.7', port: 443 })
    expect((await ingress.at('b.test')).scheme).toBe('http')
  })

  test('is another port where the Service has another, and what stack.yaml says first', async () => {
    const ports = [{ name: 'http2', port: 9080, target: 8080 }]
    expect((await ingressOf({}, { ports }).at('a.test')).port).toBe(9080)
    const config = { addresses: { ingress: '192.0.2.1', ports: { http: 18080 } } }
    expect(await ingressOf(config, { ports }).at('a.test')).toEqual({
      scheme: 'http',
      address: '192.0.2.1',
      port: 18080,
    })
  })

  test('is each of several addresses in its turn', async () => {
    const ingress = ingressOf({}, { addresses: ['10.0.0.7', '10.0.0.8'] })
    const asked = [await ingress.address(), await ingress.address(), await ingress.address()]
    expect(asked).toEqual(['10.0.0.7', '10.0.0.8', '10.0.0.7'])
    expect(await ingress.addresses()).toEqual(['10.0.0.7', '10.0.0.8'])
  })

  test('is nowhere without an address: a failure that names the Service and the key', async () => {
    await expect(ingressOf({}, { addresses: [] }).address()).rejects.toThrow(
      /^Service ingress\/public: status\.loadBalancer\.ingress is empty; .*addresses\.ingress in stack\.yaml/,
    )
  })
})

test('the headers of stack.yaml go with those of a request, cookies side by side', () => {
  const ours = { Authorization: 'Bearer a', Cookie: 'session=b' }
  expect(withOurs(ours)).toEqual({ authorization: 'Bearer a', cookie: 'session=b' })
  expect(withOurs(ours, { cookie: 'user-type=premium', 'user-type': 'x' })).toEqual({
    authorization: 'Bearer a',
    cookie: 'session=b; user-type=premium',
    'user-type': 'x',
  })
  expect(withOurs({}, { a: 'b' })).toEqual({ a: 'b' })
})
