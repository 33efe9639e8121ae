import { describe, expect, test } from 'vitest'
import { addressInPools } from './address-pool.ts'

describe('addresses', () => {
  test.each([
    ['172.18.255.210', ['172.18.255.200-172.18.255.250'], true],
    ['172.18.255.251', ['172.18.255.200-172.18.255.250'], false],
    ['10.0.0.9', ['192.168.0.0/24', '10.0.0.0/29'], false],
    ['10.0.0.7', ['192.168.0.0/24', '10.0.0.0/29'], true],
    ['', ['10.0.0.0/8'], false],
  ])('%s in %j: %s', (address, pools, inside) => {
    expect(addressInPools(address, pools)).toBe(inside)
  })
})
