import { expect, test } from 'vitest'
import { gatewayLabels } from './gateway-labels.ts'

test('the label istio where no other gateway has it', () => {
  const own = [{ app: 'istio-ingress', istio: 'ingress', 'sidecar.istio.io/inject': 'true' }]
  expect(gatewayLabels(own, [{ app: 'inner', istio: 'inner' }], { app: 'istio-ingress' })).toEqual({ istio: 'ingress' })
})

test('others where two gateways have the same label istio, as in copied manifests', () => {
  const own = [{ app: 'public', istio: 'ingressgateway' }]
  expect(gatewayLabels(own, [{ app: 'inner', istio: 'ingressgateway' }], {})).toEqual({ app: 'public' })
})

test('only what all its workloads share: two stand behind one Service while one replaces the other', () => {
  const own = [
    { app: 'ingress', istio: 'ingress', 'istio.io/rev': '1-30' },
    { app: 'ingress-canary', istio: 'ingress', 'istio.io/rev': '1-31' },
  ]
  expect(gatewayLabels(own, [], {})).toEqual({ istio: 'ingress' })
})

test('that of the Gateway API, and of pods whose labels are anything', () => {
  const name = { 'gateway.networking.k8s.io/gateway-name': 'web', 'gateway.istio.io/managed': 'x' }
  expect(gatewayLabels([name], [], {})).toEqual({ 'gateway.networking.k8s.io/gateway-name': 'web' })
  expect(gatewayLabels([{ role: 'edge', tier: 'front', version: 'v1' }], [], { role: 'edge' })).toEqual({
    role: 'edge',
  })
})
