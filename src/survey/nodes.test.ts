import { describe, expect, test } from 'vitest'
import type { KubernetesObject } from '../core/object.ts'
import { nodeFact } from './nodes.ts'
import { takes, zonesFor, type PlacedPod } from './takes.ts'

const NOW = Date.parse('2026-01-01T12:00:00Z')
const LONG_AGO = '2025-01-01T00:00:00Z'

interface NodeOptions {
  labels?: Record<string, string>
  spec?: object
  ready?: string
  createdAt?: string
  deleted?: boolean
}

const node = ({ labels = {}, spec = {}, ready = 'True', createdAt = LONG_AGO, deleted }: NodeOptions = {}) =>
  nodeFact(
    {
      metadata: {
        name: 'n',
        creationTimestamp: createdAt,
        labels: { 'kubernetes.io/os': 'linux', 'topology.kubernetes.io/zone': 'z', ...labels },
        ...(deleted ? { deletionTimestamp: LONG_AGO } : {}),
      },
      spec,
      status: { conditions: [{ type: 'Ready', status: ready }] },
    } satisfies KubernetesObject,
    NOW,
  )
const taint = (key: string, effect = 'NoSchedule') => ({ spec: { taints: [{ key, effect }] } })

describe('a node is', () => {
  test.each<[string, NodeOptions, string]>([
    ['ready', {}, 'ready'],
    ['leaving where it is cordoned', { spec: { unschedulable: true } }, 'leaving'],
    ['leaving where it is being deleted', { deleted: true }, 'leaving'],
    ['leaving where Karpenter takes it away', taint('karpenter.sh/disrupted'), 'leaving'],
    [
      'ready where the autoscaler only thinks of it',
      taint('ToBeDeletedByClusterAutoscaler', 'PreferNoSchedule'),
      'ready',
    ],
    ['coming where its CNI is not up', taint('cni.istio.io/not-ready', 'NoExecute'), 'coming'],
    ['coming where it joined a minute ago', { ready: 'False', createdAt: '2026-01-01T11:59:00Z' }, 'coming'],
    ['sick where it has not been Ready for long', { ready: 'Unknown' }, 'sick'],
  ])('%s', (_, options, state) => expect(node(options).state).toBe(state))

  test('of another life by its labels', () => {
    expect(node({ labels: { 'karpenter.sh/capacity-type': 'spot' } }).life).toBe('spot')
    expect(node({ labels: { 'eks.amazonaws.com/compute-type': 'fargate' } }).life).toBe('fargate')
    expect(node(taint('virtual-kubelet.io/provider')).life).toBe('virtual')
    expect(node().life).toBe('plain')
  })
})

describe('a node takes a pod', () => {
  const affinity = (expression: object): PlacedPod => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [expression as never] }],
        },
      },
    },
  })
  test.each<[string, NodeOptions, PlacedPod, boolean]>([
    ['plain', {}, {}, true],
    ['not where it is cordoned', { spec: { unschedulable: true } }, {}, false],
    ['not with a taint', taint('gpu'), {}, false],
    ['with a taint that is only a wish', taint('gpu', 'PreferNoSchedule'), {}, true],
    ['with a taint that it tolerates', taint('gpu'), { tolerations: [{ key: 'gpu', operator: 'Exists' }] }, true],
    ['with any taint where it tolerates all', taint('gpu'), { tolerations: [{ operator: 'Exists' }] }, true],
    ['not with a taint of another value', taint('gpu'), { tolerations: [{ key: 'gpu', value: 'b' }] }, false],
    ['not of another operating system', { labels: { 'kubernetes.io/os': 'windows' } }, {}, false],
    ['by its nodeSelector', { labels: { pool: 'a' } }, { nodeSelector: { pool: 'a' } }, true],
    ['not by another nodeSelector', { labels: { pool: 'a' } }, { nodeSelector: { pool: 'b' } }, false],
    ['by affinity', { labels: { pool: 'a' } }, affinity({ key: 'pool', operator: 'In', values: ['a'] }), true],
    ['not by affinity to what it lacks', {}, affinity({ key: 'pool', operator: 'Exists' }), false],
  ])('%s', (_, options, pod, taken) => expect(takes(node(options), pod)).toBe(taken))

  test('in the zones of those that do', () => {
    const inZone = (zone: string, spec = {}) => node({ labels: { 'topology.kubernetes.io/zone': zone }, spec })
    const nodes = [inZone('b'), inZone('a'), inZone('c', { unschedulable: true }), inZone('')]
    expect(zonesFor(nodes, {})).toEqual(['a', 'b'])
  })
})
