import { expect, it } from 'vitest'
import { gatewayPolicies, tellPolicy } from './gateway-policies.ts'

const target = { namespace: 'edge', labels: { app: 'front', istio: 'front' }, rootNamespace: 'mesh' }
const object = (kind: string, namespace: string, spec: object) => ({ kind, metadata: { namespace, name: 'x' }, spec })
const told = (...objects: ReturnType<typeof object>[]) => gatewayPolicies(objects, target).map(tellPolicy)

it('names what a gateway is under, with what it does', () => {
  expect(
    told(
      object('AuthorizationPolicy', 'edge', { action: 'CUSTOM', provider: { name: 'sso' } }),
      object('AuthorizationPolicy', 'mesh', { selector: { matchLabels: { istio: 'front' } } }),
      object('RequestAuthentication', 'edge', { jwtRules: [{ issuer: 'a' }] }),
      object('WasmPlugin', 'edge', { selector: { matchLabels: { app: 'front' } }, phase: 'AUTHN' }),
    ),
  ).toEqual([
    'AuthorizationPolicy edge/x asks an external authorization service about what it matches (provider sso)',
    'AuthorizationPolicy mesh/x denies every request that no ALLOW policy matches',
    'RequestAuthentication edge/x refuses requests with a bad JSON Web Token',
    'WasmPlugin edge/x runs a Wasm module (phase AUTHN)',
  ])
})

it('passes over what selects other pods, other namespaces, and what only watches', () => {
  expect(
    told(
      object('AuthorizationPolicy', 'edge', { selector: { matchLabels: { app: 'back' } } }),
      object('AuthorizationPolicy', 'shop', {}),
      object('AuthorizationPolicy', 'edge', { action: 'AUDIT' }),
      object('RequestAuthentication', 'edge', {}),
      object('AuthorizationPolicy', 'edge', { targetRefs: [{ kind: 'Gateway', name: 'other' }] }),
    ),
  ).toEqual([])
})

it('tells an EnvoyFilter that answers requests itself from one that only changes a route', () => {
  const patch = (name: string, context = 'GATEWAY') => ({
    applyTo: 'HTTP_FILTER',
    match: { context },
    patch: { value: { name } },
  })
  const route = { applyTo: 'HTTP_ROUTE', match: { context: 'GATEWAY' }, patch: { value: { route: { timeout: '5s' } } } }
  expect(
    told(
      object('EnvoyFilter', 'edge', { configPatches: [patch('envoy.filters.http.oauth2')] }),
      object('EnvoyFilter', 'edge', { configPatches: [route] }),
      object('EnvoyFilter', 'edge', { configPatches: [patch('envoy.filters.http.lua', 'SIDECAR_INBOUND')] }),
      object('EnvoyFilter', 'mesh', { workloadSelector: { labels: { app: 'back' } }, configPatches: [] }),
    ),
  ).toEqual(['EnvoyFilter edge/x demands a login (OAuth 2)'])
})
