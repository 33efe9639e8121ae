import { describe, expect, test } from 'vitest'
import { poolOf } from './metallb.ts'

describe('the address pool on kind', () => {
  test("is at the end of Docker's network", () => {
    expect(poolOf('172.18.0.0/16')).toBe('172.18.255.200-172.18.255.250')
    expect(poolOf('192.168.5.0/24')).toBe('192.168.5.200-192.168.5.250')
    expect(() => poolOf('10.1.1.0/28')).toThrow(/too small for an address pool/)
  })
})
