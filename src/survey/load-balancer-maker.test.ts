import { describe, expect, test } from 'vitest'
import { makerOf, type MakerEvidence } from './load-balancer-maker.ts'

interface Marks {
  spec?: object
  metadata?: object
  status?: object
}

const ADDRESS = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }

const made = ({ spec, metadata, status }: Marks, more: Partial<MakerEvidence> = {}) =>
  makerOf({
    service: {
      metadata: { name: 'gw', namespace: 'edge', ...metadata },
      spec: { type: 'LoadBalancer', ...spec },
      status: status ?? {},
    },
    ...{ bindings: [], events: [], daemonSets: [], nodes: [], installed: [], ...more },
  })

const IN_TREE = { finalizers: ['service.kubernetes.io/load-balancer-cleanup'] }
const event = (component: string, reason: string, lastTimestamp: string) => ({
  ...{ reason, lastTimestamp },
  source: { component },
})

describe('who makes a load balancer', () => {
  test('by the class', () => {
    expect(made({ spec: { loadBalancerClass: 'service.k8s.aws/nlb' } }).maker).toBe('aws-lbc')
    expect(made({ spec: { loadBalancerClass: 'eks.amazonaws.com/nlb' } }).maker).toBe('eks-auto')
    expect(made({ spec: { loadBalancerClass: 'io.cilium/l2-announcer' } }).maker).toBe('cilium')
    expect(made({ spec: { loadBalancerClass: 'purelb.io/x' } }).maker).toBe('other')
    const installed = [{ maker: 'metallb' as const, class: 'corp/lb' }]
    expect(made({ spec: { loadBalancerClass: 'corp/lb' } }, { installed }).maker).toBe('metallb')
  })

  test('by the finalizer of its own, before an annotation', () => {
    const annotations = { 'metallb.io/ip-allocated-from-pool': 'old' }
    expect(made({ metadata: { finalizers: ['service.k8s.aws/resources'], annotations } })).toEqual({
      maker: 'aws-lbc',
      by: 'finalizer service.k8s.aws/resources',
    })
  })

  test('by an annotation or a condition that only it sets', () => {
    const annotated = (key: string) => made({ metadata: { annotations: { [key]: 'x' } } }).maker
    expect(annotated('metallb.universe.tf/ip-allocated-from-pool')).toBe('metallb')
    expect(annotated('kube-vip.io/vipHost')).toBe('kube-vip')
    expect(made({ status: { conditions: [{ type: 'cilium.io/IPAMRequestSatisfied' }] } }).maker).toBe('cilium')
  })

  test('by what the annotations ask of the AWS controller, where it is installed', () => {
    const annotations = { 'service.beta.kubernetes.io/aws-load-balancer-type': 'external' }
    const installed = [{ maker: 'aws-lbc' as const, class: 'service.k8s.aws/nlb' }]
    expect(made({ metadata: { annotations }, spec: { type: 'NodePort' } }, { installed }).maker).toBe('aws-lbc')
    expect(made({ metadata: { annotations } }).maker).toBe('none')
  })

  test('by the DaemonSet that K3s makes', () => {
    const labels = { 'svccontroller.k3s.cattle.io/svcname': 'gw', 'svccontroller.k3s.cattle.io/svcnamespace': 'edge' }
    const daemonSets = [{ metadata: { namespace: 'kube-system', name: 'svclb-gw', labels } }]
    expect(made({ metadata: IN_TREE, status: ADDRESS }, { daemonSets }).maker).toBe('servicelb')
  })

  test('by a TargetGroupBinding that somebody wrote, not by one that a controller made', () => {
    const binding = (labels: Record<string, string>) => [
      { metadata: { namespace: 'edge', name: 'tg', labels }, spec: { serviceRef: { name: 'gw', port: 80 } } },
    ]
    expect(made({ spec: { type: 'NodePort' } }, { bindings: binding({}) })).toEqual({
      maker: 'tgb',
      by: 'TargetGroupBinding edge/tg: spec.serviceRef',
    })
    const stack = { 'service.k8s.aws/stack-name': 'gw' }
    expect(made({ spec: { type: 'NodePort' } }, { bindings: binding(stack) }).maker).toBe('none')
  })

  test('by the youngest event', () => {
    const events = [
      event('service', 'SuccessfullyReconciled', '2026-01-01T00:00:00Z'),
      event('metallb-controller', 'AllocationFailed', '2026-01-02T00:00:00Z'),
      event('service-controller', 'EnsuringLoadBalancer', '2026-01-03T00:00:00Z'),
    ]
    expect(made({}, { events })).toEqual({ maker: 'metallb', by: 'event AllocationFailed of metallb-controller' })
  })

  test("by the in-tree finalizer only with an address: it stays where another's is the load balancer", () => {
    expect(made({ metadata: IN_TREE }).maker).toBe('none')
    expect(made({ metadata: IN_TREE, status: ADDRESS }).maker).toBe('ccm')
    const nodes = [{ spec: { providerID: 'kind://docker/k/k-worker' } }]
    expect(made({ metadata: IN_TREE, status: ADDRESS }, { nodes }).maker).toBe('kind')
  })

  test('nobody, somebody unknown, and the only one that there is', () => {
    expect(made({ spec: { type: 'ClusterIP' } })).toEqual({ maker: 'none', by: 'spec.type is ClusterIP' })
    expect(made({ status: ADDRESS }).maker).toBe('other')
    expect(made({}, { installed: [{ maker: 'metallb' }] }).maker).toBe('metallb')
  })
})
