import { describe, expect, test } from 'vitest'
import { inScope, Scope } from '../core/scope.ts'
import type { Effect } from '../core/record.ts'
import { answer, CORE, fakeApi } from '../../test/fake-api.ts'
import { effectOf } from './effects.ts'
import { askPod } from './forward.ts'

const NS = '/api/v1/namespaces'

describe('the effect of a request', () => {
  test.each([
    ['reads', 'GET', `${NS}/a/pods`],
    ['reads', 'PATCH', `${NS}/a/configmaps/b?fieldManager=x&dryRun=All`],
    ['reads', 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'],
    ['reads', 'POST', `${NS}/plumb-agent-1a2b/pods/agent:8080/proxy/request`],
    ['writes', 'PATCH', `${NS}/plumb-x-1a2b`],
    ['writes', 'DELETE', `${NS}/plumb-x-1a2b/pods`],
    ['writes', 'POST', `${NS}/plumb-x-1a2b/pods/hello/eviction`],
    ['writes', 'PATCH', '/apis/cert-manager.io/v1/clusterissuers/plumb-ca-1a2b'],
    ['writes', 'PATCH', '/apis/networking.istio.io/v1alpha3/namespaces/istio-system/envoyfilters/plumb-patch-1a2b'],
    ['tunes', 'PATCH', `${NS}/knative-serving/configmaps/config-network`],
    ['tunes', 'DELETE', '/apis/cert-manager.io/v1/namespaces/shop/certificates/c'],
    ['tunes', 'POST', `${NS}/shop/pods/web:80/proxy/x`],
    ['disrupts', 'DELETE', `${NS}/istio-system/pods/istiod-1?gracePeriodSeconds=1`],
    ['disrupts', 'POST', `${NS}/istio-system/pods/istiod-1/eviction`],
    ['disrupts', 'PATCH', '/api/v1/nodes/worker'],
  ] as const)('%s: %s %s', (effect, method, path) => {
    expect(effectOf(method, path)).toBe(effect)
  })
})

describe('a check is held to its effect', () => {
  const scopeOf = (effect: Effect) => new Scope('mesh/a', new AbortController().signal, effect)
  const service = (namespace: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'hello', namespace } })

  test.each([
    ['reads', 'applied Pod plumb-x/hello (writes)', 'plumb-x'],
    ['writes', 'applied Pod shop/hello (tunes)', 'shop'],
  ] as const)('%s', async (effect, did, namespace) => {
    const seen: string[] = []
    await using fake = await fakeApi((request, response) => {
      seen.push(request.method ?? '')
      answer(response, request.path === '/api/v1' ? CORE : {})
    })
    const scope = scopeOf(effect)
    const bug = `bug in Plumbline: check mesh/a is declared ${effect} but ${did}`
    await expect(inScope(scope, () => fake.api.apply(service(namespace)))).rejects.toThrow(bug)
    // Nothing was sent, and it is known even where the body catches it.
    expect(seen).not.toContain('PATCH')
    expect(scope.overstepped).toEqual([bug])
  })

  test('tunes: neither evicts nor kills what is not its own', async () => {
    await using fake = await fakeApi((_, response) => answer(response, CORE))
    const scope = scopeOf('tunes')
    await expect(inScope(scope, () => fake.api.evict('istiod', 'istio-system'))).rejects.toThrow(
      'is declared tunes but evicted pod istio-system/istiod (disrupts)',
    )
    const pod = { kind: 'v1/Pod', name: 'istiod', namespace: 'istio-system' }
    await expect(inScope(scope, () => fake.api.delete(pod))).rejects.toThrow('deleted Pod istio-system/istiod')
  })

  test('reads: sends a pod nothing that may change it', async () => {
    await using fake = await fakeApi((_, response) => answer(response, {}))
    const pod = { namespace: 'istio-system', name: 'gateway', port: 15000 }
    const asked = { path: '/logging?http=debug', method: 'POST' as const }
    await expect(inScope(scopeOf('reads'), () => askPod(fake.api, pod, asked))).rejects.toThrow(
      'is declared reads but sent POST /logging?http=debug to pod istio-system/gateway (tunes)',
    )
  })
})
