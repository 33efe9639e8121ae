import { describe, expect, test } from 'vitest'
import { routeConflicts } from './virtual-services.ts'

describe('VirtualServices', () => {
  const service = (name: string, hosts: string[], gateways?: string[], namespace = 'a') => ({
    metadata: { name, namespace },
    spec: { hosts, ...(gateways ? { gateways } : {}) },
  })

  test('conflict by host and gateway, both by their full names', () => {
    expect(routeConflicts([service('one', ['h.test'], ['gw']), service('two', ['h.test'], ['a/gw'])])).toEqual([
      'h.test on a/gw: a/one, a/two',
    ])
    expect(routeConflicts([service('one', ['reviews']), service('two', ['reviews.a.svc.cluster.local'])])).toEqual([
      'reviews.a.svc.cluster.local on mesh: a/one, a/two',
    ])
  })

  test('do not conflict on different gateways, or with the same short name in different namespaces', () => {
    expect(routeConflicts([service('one', ['h.test'], ['x/gw']), service('two', ['h.test'], ['y/gw'])])).toEqual([])
    expect(routeConflicts([service('one', ['reviews']), service('two', ['reviews'], undefined, 'b')])).toEqual([])
  })
})
