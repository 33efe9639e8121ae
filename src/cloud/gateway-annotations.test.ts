import { describe, expect, test } from 'vitest'
import { requestedNlb } from './gateway-annotations.ts'

const PREFIX = 'service.beta.kubernetes.io/aws-load-balancer-'
const CLASS = 'service.k8s.aws/nlb'

/** A Service with these annotations, given without their common beginning. */
const service = (annotations: Record<string, string>) => ({
  kind: 'Service',
  metadata: {
    name: 'gateway',
    annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [PREFIX + key, value])),
  },
  spec: { type: 'LoadBalancer' },
})

const byController = (annotations: Record<string, string>, more: { class?: string } = {}) =>
  requestedNlb(service(annotations), { maker: 'aws-lbc', ...more })!
const inTree = (annotations: Record<string, string>) => requestedNlb(service(annotations), { maker: 'ccm' })!
const byAutoMode = (annotations: Record<string, string>) =>
  requestedNlb(service(annotations), { maker: 'eks-auto', class: 'eks.amazonaws.com/nlb' })!

describe("a Service's annotations, read as the maker of its load balancer reads them", () => {
  test('those of the install file ask the controller for an internal, cross-zone NLB', () => {
    const requested = byController({
      type: 'external',
      'nlb-target-type': 'ip',
      scheme: 'internal',
      attributes: 'load_balancing.cross_zone.enabled=true',
    })
    expect(requested).toEqual({ scheme: 'internal', crossZone: true, ignored: [] })
  })

  test("the guide's own mean the same to the in-tree provider and to the controller, which ignores the type", () => {
    const guide = { type: 'nlb', internal: 'true', 'cross-zone-load-balancing-enabled': 'true' }
    expect(inTree(guide)).toEqual({ scheme: 'internal', crossZone: true, ignored: [] })
    expect(byController(guide, { class: CLASS })).toEqual({
      scheme: 'internal',
      crossZone: true,
      ignored: ['aws-load-balancer-type: nlb (for the in-tree provider; spec.loadBalancerClass wins)'],
    })
  })

  test.each([
    [
      'a key that nobody reads',
      { type: 'external', 'cross-zone': 'true' },
      { crossZone: false },
      /aws-load-balancer-cross-zone/,
    ],
    ['internal: false', { type: 'external', internal: 'false' }, { scheme: 'internet-facing' }, /^$/],
    [
      'a scheme beside internal',
      { type: 'external', internal: 'true', scheme: 'internet-facing' },
      { scheme: 'internet-facing' },
      /scheme wins/,
    ],
    [
      'a key of its own against the attribute',
      {
        type: 'external',
        'cross-zone-load-balancing-enabled': 'false',
        attributes: 'load_balancing.cross_zone.enabled=true',
      },
      { crossZone: false },
      /^$/,
    ],
    ['nothing at all', { type: 'external' }, { scheme: 'internal', crossZone: false }, /^$/],
  ])('%s', (_, annotations, wanted, ignored) => {
    const found = byController(annotations)
    expect(found).toMatchObject(wanted)
    expect(found.ignored.join('; ')).toMatch(ignored)
  })

  test('the scheme is no word of the in-tree provider, which faces the internet by default', () => {
    const requested = inTree({ type: 'nlb', scheme: 'internal' })
    expect(requested.scheme).toBe('internet-facing')
    expect(requested.ignored).toEqual(['aws-load-balancer-scheme (unknown to the owner)'])
  })

  test('EKS Auto Mode reads the scheme and the attributes, and none of the older words', () => {
    const attributes = 'load_balancing.cross_zone.enabled=true'
    expect(byAutoMode({ attributes })).toEqual({ scheme: 'internal', crossZone: true, ignored: [] })
    const older = byAutoMode({ internal: 'false', 'cross-zone-load-balancing-enabled': 'true' })
    expect([older.scheme, older.crossZone, older.ignored.length]).toEqual(['internal', false, 2])
  })

  test('another maker reads none of them', () => {
    for (const maker of ['metallb', 'tgb', 'other'] as const)
      expect(requestedNlb(service({ scheme: 'internal' }), { maker })).toBeUndefined()
  })
})
