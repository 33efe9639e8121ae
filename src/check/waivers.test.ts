import { describe, expect, test } from 'vitest'
import type { Waiver } from '../config/waiver-schema.ts'
import { acceptance, isAbout, isOver, requireKnownChecks, tellMatch } from './waivers.ts'

const waiver = (more: Partial<Waiver> = {}): Waiver => ({
  ...{ check: 'mesh/a', match: 'shop', because: 'ticket 42', until: '2026-10-01', at: 'stack.yaml:7' },
  ...more,
})

describe('a waiver', () => {
  test('holds to the end of its last day, in UTC', () => {
    expect(isOver(waiver(), new Date('2026-10-01T23:59:59Z'))).toBe(false)
    expect(isOver(waiver(), new Date('2026-10-02T00:00:00Z'))).toBe(true)
  })

  test.each([
    ['a part of the text', 'cart is', true],
    ['another text', 'Cart', false],
    ['a pattern', '/^IST\\d+ .*cart/', true],
    ['a pattern that is not there', '/cart$/', false],
    ['a code', { code: 'IST0101' }, true],
    ['a code and an object', { code: 'IST0101', object: 'VirtualService shop/cart' }, true],
    ['a code and an object without its kind', { code: 'IST0101', object: 'shop/cart' }, true],
    ['an object whose name begins alike', { code: 'IST0101', object: 'shop/car' }, false],
    ['an object whose namespace ends alike', { code: 'IST0101', object: 'hop/cart' }, false],
    ['another code', { code: 'IST0102', object: 'shop/cart' }, false],
  ] as const)('is about a finding by %s', (_, match, is) => {
    expect(isAbout({ match }, 'IST0101 VirtualService shop/cart: cart is not known')).toBe(is)
  })

  test('is told in one line', () => {
    expect(tellMatch({ match: 'a' })).toBe('a')
    expect(tellMatch({ match: { code: 'IST0101', object: 'shop/cart' } })).toBe('IST0101 shop/cart')
  })

  test('accepts findings of its check alone, and none when it has ended', () => {
    const [before, after] = [new Date('2026-09-30'), new Date('2026-10-02')]
    const accepted = { finding: 'shop/cart', waiver: 1, because: 'ticket 42', until: '2026-10-01' }
    const waivers = [waiver({ check: 'mesh/b' }), waiver()]
    expect(acceptance(waivers, 'mesh/a', before)('shop/cart')).toEqual(accepted)
    expect(acceptance(waivers, 'mesh/a', before)('other/cart')).toBeUndefined()
    expect(acceptance(waivers, 'mesh/c', before)('shop/cart')).toBeUndefined()
    expect(acceptance(waivers, 'mesh/a', after)('shop/cart')).toBeUndefined()
  })

  test('of what is no check is refused with its line, and the nearest check', () => {
    expect(() => requireKnownChecks([waiver()], ['mesh/a'])).not.toThrow()
    expect(() =>
      requireKnownChecks([waiver({ check: 'mesh/analyse-clean' })], ['mesh/a', 'mesh/analyze-clean']),
    ).toThrow(
      'stack.yaml:7: waive[0].check: "mesh/analyse-clean" is not a check. Did you mean "mesh/analyze-clean"? ' +
        'plumbline list shows all checks.',
    )
  })
})
