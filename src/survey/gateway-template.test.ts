import { expect, test } from 'vitest'
import { isGateway, isWaypoint } from './gateway-template.ts'

const proxy = (args: string[], labels: Record<string, string> = {}, annotations: Record<string, string> = {}) => ({
  metadata: { labels, annotations },
  spec: { containers: [{ name: 'istio-proxy', args }] },
})

test('a gateway by the template that injects it, by the args of its proxy, or by who manages it', () => {
  expect(isGateway(proxy(['proxy', 'router', '--domain', 'x']))).toBe(true)
  expect(isGateway(proxy([], {}, { 'inject.istio.io/templates': 'sidecar, gateway' }))).toBe(true)
  expect(isGateway(proxy([], { 'gateway.istio.io/managed': 'istio.io-gateway-controller' }))).toBe(true)
})

test('neither labels make a gateway, nor is a sidecar or a waypoint one', () => {
  expect(isGateway(proxy(['proxy', 'sidecar'], { istio: 'ingressgateway' }))).toBe(false)
  expect(isGateway({ metadata: { labels: { istio: 'ingressgateway' } }, spec: { containers: [] } })).toBe(false)
  const waypoint = proxy(['proxy', 'waypoint'], {
    'gateway.istio.io/managed': 'istio.io-mesh-controller',
    'gateway.networking.k8s.io/gateway-name': 'waypoint',
  })
  expect([isGateway(waypoint), isWaypoint(waypoint)]).toEqual([false, true])
})
