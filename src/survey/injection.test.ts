import { describe, expect, test } from 'vitest'
import { injectionBy } from './injection.ts'
import type { Istiod } from './survey.ts'

const istiod = (namespace: string, revision: string, tags: string[] = []) =>
  ({ revision, tags, workload: { namespace, name: `istiod-${revision}` } }) as unknown as Istiod

const exists = (key: string, operator: string, ...values: string[]) => ({ key, operator, values })
/** As Istio's chart has it. */
const configuration = (namespace: string, revision: string, webhooks: object[], labels = {}) => ({
  metadata: { name: `injector-${revision}`, labels: { 'istio.io/rev': revision, ...labels } },
  webhooks: webhooks.map((webhook) => ({ clientConfig: { service: { namespace, name: 'istiod' } }, ...webhook })),
})
const byRevision = (value: string) => ({
  name: 'rev.namespace.sidecar-injector.istio.io',
  namespaceSelector: {
    matchExpressions: [exists('istio.io/rev', 'In', value), exists('istio-injection', 'DoesNotExist')],
  },
  objectSelector: { matchExpressions: [exists('sidecar.istio.io/inject', 'NotIn', 'false')] },
})
const byInjection = {
  name: 'namespace.sidecar-injector.istio.io',
  namespaceSelector: { matchExpressions: [exists('istio-injection', 'In', 'enabled')] },
  objectSelector: { matchExpressions: [exists('sidecar.istio.io/inject', 'NotIn', 'false')] },
}
const byObject = {
  name: 'object.sidecar-injector.istio.io',
  namespaceSelector: { matchExpressions: [exists('istio-injection', 'DoesNotExist')] },
  objectSelector: { matchExpressions: [exists('sidecar.istio.io/inject', 'In', 'true')] },
}

describe('labels for a sidecar', () => {
  test('of the default revision', () => {
    const found = injectionBy(
      [configuration('istio-system', 'default', [byRevision('default'), byInjection, byObject])],
      [istiod('istio-system', 'default')],
      undefined,
    )
    expect(found).toMatchObject({ value: { labels: { 'istio-injection': 'enabled' }, byDefault: false } })
  })

  test('of the istiod that is wanted, of two', () => {
    const istiods = [istiod('istio-system', '1-30'), istiod('istio-system', '1-31')]
    const all = ['1-30', '1-31'].map((each) => configuration('istio-system', each, [byRevision(each)]))
    const found = injectionBy(all, istiods, 'istio-system/istiod-1-31')
    expect(found).toMatchObject({
      value: { labels: { 'istio.io/rev': '1-31' }, istiod: 'istio-system/istiod-1-31' },
    })
  })

  test('by a tag, where only that is asked for', () => {
    const tagged = configuration('mesh', '1-31', [byRevision('prod')], { 'istio.io/tag': 'prod' })
    const found = injectionBy([tagged], [istiod('mesh', '1-31', ['prod'])], 'mesh/istiod-1-31')
    expect(found).toMatchObject({ value: { labels: { 'istio.io/rev': 'prod' } } })
  })

  test('none where every namespace gets sidecars', () => {
    const auto = {
      name: 'auto.sidecar-injector.istio.io',
      namespaceSelector: {
        matchExpressions: [exists('istio-injection', 'DoesNotExist'), exists('istio.io/rev', 'DoesNotExist')],
      },
    }
    const found = injectionBy(
      [configuration('istio-system', 'default', [byInjection, auto])],
      [istiod('istio-system', 'default')],
      undefined,
    )
    expect(found).toMatchObject({ value: { labels: {}, byDefault: true } })
  })

  test('absent where nothing injects', () => {
    expect(injectionBy([], [istiod('a', 'default')], undefined)).toHaveProperty('absent')
    const other = configuration('b', 'default', [byInjection])
    expect(injectionBy([other], [istiod('a', 'default')], 'a/istiod-default')).toEqual({
      absent:
        'No label of a namespace gives it a sidecar of the istiod a/istiod-default: ' +
        'tried istio-injection=enabled, istio.io/rev=default',
    })
  })
})
