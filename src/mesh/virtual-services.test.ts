import { describe, expect, test } from 'vitest'
import { routeConflicts } from './virtual-services.ts'

describe('VirtualServices', () => {
  const service = (name: string, hosts: string[], more: object = {}, namespace = 'a') => ({
    metadata: { name, namespace },
    spec: { hosts, http: [{ route: [] }], ...more },
  })
  const on = (...gateways: string[]) => ({ gateways })
  const path = (prefix: string, name = 'x') => ({ http: [{ match: [{ name, uri: { prefix } }] }] })
  const conflicts = (...services: object[]) => routeConflicts(services, 'corp.internal')

  test('conflict by host and gateway, both by their full names', () => {
    const [one, two] = [service('one', ['h.test'], on('gw')), service('two', ['h.test'], on('a/gw'), 'b')]
    expect(conflicts(one, two)).toEqual([{ text: 'h.test on a/gw: a/one, b/two', namespaces: ['a', 'b'] }])
    const full = service('two', ['reviews.a.svc.corp.internal'])
    expect(conflicts(service('one', ['reviews']), full)).toMatchObject([
      { text: 'reviews.a.svc.corp.internal on mesh: a/one, a/two' },
    ])
  })

  test('do not conflict on different gateways, or with the same short name in different namespaces', () => {
    expect(conflicts(service('one', ['h.test'], on('x/gw')), service('two', ['h.test'], on('y/gw')))).toEqual([])
    expect(conflicts(service('one', ['reviews']), service('two', ['reviews'], {}, 'b'))).toEqual([])
  })

  test('share a host on a gateway by path, and conflict where they want the same path', () => {
    const rest = service('rest', ['h.test'], on('x/gw'))
    const shop = service('shop', ['h.test'], { ...on('x/gw'), ...path('/shop') }, 'b')
    const cart = service('cart', ['h.test'], { ...on('x/gw'), ...path('/cart') }, 'c')
    expect(conflicts(rest, shop, cart)).toEqual([])
    const again = service('again', ['h.test'], { ...on('x/gw'), ...path('/shop', 'y') }, 'd')
    expect(conflicts(rest, shop, cart, again)).toEqual([
      { text: 'h.test on x/gw: b/shop, d/again', namespaces: ['b', 'd'] },
    ])
  })

  test('do not share a host in sidecars, but where each is seen in its own namespace alone', () => {
    const [one, two] = [service('one', ['h.test'], path('/one')), service('two', ['h.test'], path('/two'), 'b')]
    expect(conflicts(one, two)).toHaveLength(1)
    const hidden = { exportTo: ['.'] }
    expect(conflicts(service('one', ['h.test'], hidden), service('two', ['h.test'], hidden, 'b'))).toEqual([])
  })
})
