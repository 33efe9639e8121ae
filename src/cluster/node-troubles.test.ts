import { describe, expect, test } from 'vitest'
import type { KubernetesObject } from '../core/object.ts'
import { nodeTroubles, type StackNodes } from './node-troubles.ts'

const NOW = Date.parse('2026-01-01T12:00:00Z')

interface About {
  ready?: string
  labels?: object
  taints?: object[]
  age?: number
  pressure?: boolean
  cordoned?: boolean
}

const node = ({
  ready = 'True',
  labels = {},
  taints = [],
  age = 600,
  pressure,
  cordoned,
}: About): KubernetesObject => ({
  metadata: { name: 'n', labels: { ...labels }, creationTimestamp: new Date(NOW - age * 60_000).toISOString() },
  spec: { taints, ...(cordoned ? { unschedulable: true } : {}) },
  status: {
    conditions: [
      { type: 'Ready', status: ready, reason: 'KubeletStopped', message: 'gone' },
      ...(pressure ? [{ type: 'DiskPressure', status: 'True' }] : []),
    ],
  },
})
const nothing: StackNodes = { placement: {}, hosts: new Set() }
const judge = (about: About, stack = nothing) => nodeTroubles([node(about)], stack, NOW)
const gpu = [{ key: 'nvidia.com/gpu', effect: 'NoSchedule' }]
const unreachable = [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }]

describe('a node', () => {
  test('that is well is no trouble', () => {
    expect(judge({})).toEqual({ ofStack: [], ofOthers: [] })
  })

  test('that is not Ready is one, with the taint that it has for that', () => {
    expect(judge({ ready: 'Unknown', taints: unreachable }).ofStack).toEqual([
      'Node n: Ready=Unknown (KubeletStopped: gone)',
    ])
  })

  test('under pressure is one', () => {
    expect(judge({ pressure: true }).ofStack).toEqual(['Node n: DiskPressure=True'])
  })

  test.each<[string, About, string]>([
    ['that joined a minute ago', { ready: 'False', age: 1 }, 'Node n is joining: it joined 60 s ago'],
    ['that is cordoned', { cordoned: true }, 'Node n is leaving: it is cordoned'],
    [
      'that was taken away, a spot one',
      { ready: 'False', labels: { 'karpenter.sh/capacity-type': 'spot' } },
      'Spot node n: Ready=False (KubeletStopped: gone)',
    ],
    [
      'of a pool that the stack does not tolerate',
      { ready: 'False', taints: gpu },
      'Node n: Ready=False (KubeletStopped: gone)',
    ],
    [
      'of another operating system',
      { pressure: true, labels: { 'kubernetes.io/os': 'windows' } },
      'Node n: DiskPressure=True',
    ],
  ])('%s is a remark', (_, about, text) => {
    expect(judge(about)).toEqual({ ofStack: [], ofOthers: [text] })
  })

  test("with a pod of the stack is the stack's, and so is one of the control plane", () => {
    const hosting = { ...nothing, hosts: new Set(['n']) }
    expect(judge({ ready: 'False', taints: gpu }, hosting).ofStack).toHaveLength(1)
    const labels = { 'node-role.kubernetes.io/control-plane': '' }
    const taints = [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }]
    expect(judge({ ready: 'False', labels, taints }).ofStack).toHaveLength(1)
  })

  test("that the gateway tolerates is the stack's", () => {
    const placement = { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }] }
    expect(judge({ ready: 'False', taints: gpu }, { ...nothing, placement }).ofStack).toHaveLength(1)
  })
})
