import { describe, expect, test } from 'vitest'
import { notAnnounced, poolOf } from './metallb-pools.ts'

const pool = (name: string, addresses: string[], labels = {}) => ({
  kind: 'IPAddressPool',
  metadata: { name, namespace: 'lb', labels },
  spec: { addresses },
})
const advertisement = (spec: object, namespace = 'lb') => ({
  kind: 'L2Advertisement',
  metadata: { name: 'l2', namespace },
  spec,
})
const edge = pool('edge', ['10.0.0.1-10.0.0.9'], { for: 'edge' })
const service = { kind: 'Service', metadata: { name: 'gateway', namespace: 'mesh', labels: { app: 'gateway' } } }
const nodes = [{ rack: 'a' }, { rack: 'b' }]
const why = (...specs: object[]) =>
  notAnnounced(edge, service, { advertisements: specs.map((spec) => advertisement(spec)), nodes })

describe('the pool of a Service', () => {
  const pools = [pool('other', ['10.1.0.0/24']), edge]

  test('is the one that MetalLB wrote into the Service', () => {
    expect(poolOf(pools, { allocated: 'other', address: '10.0.0.3' })?.metadata?.name).toBe('other')
    expect(poolOf(pools, { allocated: 'gone', address: '10.0.0.3' })).toBeUndefined()
  })

  test('else the one with its address', () => {
    expect(poolOf(pools, { address: '10.0.0.3' })?.metadata?.name).toBe('edge')
    expect(poolOf(pools, {})).toBeUndefined()
  })
})

describe('a pool is announced', () => {
  test.each([
    ['by an advertisement that names nothing', {}],
    ['by its name', { ipAddressPools: ['edge'] }],
    [
      'by its labels, though other pools are named',
      { ipAddressPools: ['x'], ipAddressPoolSelectors: [{ matchLabels: { for: 'edge' } }] },
    ],
    ['for Services of a label', { serviceSelectors: [{ matchLabels: { app: 'gateway' } }] }],
    ['on some of the nodes', { nodeSelectors: [{ matchLabels: { rack: 'z' } }, { matchLabels: { rack: 'b' } }] }],
  ])('%s', (_, spec) => {
    expect(why(spec)).toBeUndefined()
  })

  test.each([
    [
      'by another name',
      { ipAddressPools: ['x'] },
      'no L2Advertisement or BGPAdvertisement selects IPAddressPool lb/edge',
    ],
    [
      'by other labels alone',
      { ipAddressPoolSelectors: [{ matchLabels: { for: 'x' } }] },
      'no L2Advertisement or BGPAdvertisement selects IPAddressPool lb/edge',
    ],
    [
      'for other Services',
      { serviceSelectors: [{ matchLabels: { app: 'x' } }] },
      'the advertisements of IPAddressPool lb/edge (l2) do not select the Service',
    ],
    [
      'on nodes that are not there',
      { nodeSelectors: [{ matchLabels: { rack: 'z' } }] },
      'the advertisements of IPAddressPool lb/edge (l2) select no node that is ready',
    ],
  ])('not %s', (_, spec, sentence) => {
    expect(why(spec)).toBe(sentence)
  })

  test('not by an advertisement in another namespace', () => {
    expect(notAnnounced(edge, service, { advertisements: [advertisement({}, 'elsewhere')], nodes })).toMatch(/^no L2/)
  })
})
