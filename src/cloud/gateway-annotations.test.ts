import { describe, expect, test } from 'vitest'
import { requestedNlb } from './gateway-annotations.ts'

const PREFIX = 'service.beta.kubernetes.io/aws-load-balancer-'
const CLASS = 'service.k8s.aws/nlb'

/** A Service with these annotations, given without their common beginning. */
function service(
  annotations: Record<string, string>,
  more: { loadBalancerClass?: string; finalizers?: string[] } = {},
) {
  const { loadBalancerClass, finalizers } = more
  return {
    kind: 'Service',
    metadata: {
      name: 'istio-ingressgateway',
      annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [PREFIX + key, value])),
      ...(finalizers ? { finalizers } : {}),
    },
    spec: { type: 'LoadBalancer', ...(loadBalancerClass ? { loadBalancerClass } : {}) },
  }
}

describe("a Service's annotations, read as its owner reads them", () => {
  test('those of the install file ask the controller for an internal, cross-zone NLB', () => {
    const requested = requestedNlb(
      service({
        type: 'external',
        'nlb-target-type': 'ip',
        scheme: 'internal',
        attributes: 'load_balancing.cross_zone.enabled=true',
      }),
    )
    expect(requested).toMatchObject({
      owner: 'AWS Load Balancer Controller',
      scheme: 'internal',
      crossZone: true,
      ignored: [],
    })
  })

  test("the guide's own ask the in-tree provider, or the controller by its class, which ignores the type", () => {
    const guide = { type: 'nlb', internal: 'true', 'cross-zone-load-balancing-enabled': 'true' }
    expect(requestedNlb(service(guide))).toMatchObject({
      owner: 'in-tree cloud provider',
      scheme: 'internal',
      crossZone: true,
    })
    const byClass = requestedNlb(service(guide, { loadBalancerClass: CLASS }))
    expect(byClass).toMatchObject({ owner: 'AWS Load Balancer Controller', scheme: 'internal', crossZone: true })
    expect(byClass.ignored).toEqual([
      'aws-load-balancer-type: nlb (for the in-tree provider; spec.loadBalancerClass wins)',
    ])
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
    const found = requestedNlb(service(annotations))
    expect(found).toMatchObject(wanted)
    expect(found.ignored.join('; ')).toMatch(ignored)
  })

  test('the scheme is no word of the in-tree provider, which faces the internet by default', () => {
    const requested = requestedNlb(service({ type: 'nlb', scheme: 'internal' }))
    expect(requested).toMatchObject({ owner: 'in-tree cloud provider', scheme: 'internet-facing' })
    expect(requested.ignored).toEqual(['aws-load-balancer-scheme (unknown to the owner)'])
  })

  test('nobody owns one without a class and a type, or of another class', () => {
    expect(requestedNlb(service({})).owner).toBe('nobody')
    expect(requestedNlb(service({ type: 'external' }, { loadBalancerClass: 'example.com/other' })).owner).toBe('nobody')
  })

  test('a finalizer tells the owner before anything else', () => {
    const finalizers = ['service.k8s.aws/resources']
    expect(requestedNlb(service({ type: 'nlb' }, { finalizers })).by).toBe('the finalizer service.k8s.aws/resources')
  })
})
