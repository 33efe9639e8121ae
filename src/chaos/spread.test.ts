import { expect, test } from 'vitest'
import type { KubernetesObject } from '../core/object.ts'
import type { Stack } from '../stack/stack.ts'
import type { Workload } from '../survey/survey.ts'
import { spreadAgain, zonesToSpreadOver } from './spread.ts'

const gateway: Workload = {
  ...{ kind: 'Deployment', namespace: 'edge', name: 'gateway', replicas: 2 },
  ...{ podLabels: { app: 'gateway' }, selector: { app: 'gateway' } },
}
const node = (name: string, zone: string | undefined, cpu = '2', taints: object[] = []): KubernetesObject => ({
  kind: 'Node',
  metadata: { name, labels: zone ? { 'topology.kubernetes.io/zone': zone } : {} },
  spec: { taints },
  status: { allocatable: { cpu, memory: '4Gi' }, conditions: [{ type: 'Ready', status: 'True' }] },
})
const pod = (name: string, nodeName: string): KubernetesObject => ({
  kind: 'Pod',
  metadata: { name, namespace: 'edge', uid: name, labels: { app: 'gateway' } },
  spec: { nodeName, containers: [{ name: 'proxy', resources: { requests: { cpu: '500m' } } }] },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
})
const TAINT = { key: 'pool', value: 'gpu', effect: 'NoSchedule' }

/** A stack whose gateway has both pods in zone a; what is evicted comes back on node b1. */
function crowded(...others: KubernetesObject[]) {
  let pods = [pod('one', 'a1'), pod('two', 'a1')]
  const evicted: string[] = []
  const k8s = {
    list: (kind: string) => Promise.resolve({ items: kind === 'v1/Node' ? [node('a1', 'a'), ...others] : pods }),
    get: () => Promise.resolve({ spec: { selector: { matchLabels: gateway.selector } } }),
    evict: (name: string) => {
      evicted.push(name)
      pods = [...pods.filter(({ metadata }) => metadata?.name !== name), pod(`after-${name}`, 'b1')]
      return Promise.resolve()
    },
  }
  const willDisturb = ({ name }: { name: string }) => evicted.push(`noted ${name}`)
  return { stack: { k8s, until: () => Promise.resolve([]), changes: { willDisturb } } as unknown as Stack, evicted }
}

test.each([
  ['one pod where the other zone has room', gateway, [node('b1', 'b')], ['noted gateway', 'one']],
  ['none where it has none', gateway, [node('b1', 'b', '200m')], []],
  ['none where its nodes take no such pod', gateway, [node('b1', 'b', '2', [TAINT])], []],
  ['none of a DaemonSet', { ...gateway, kind: 'DaemonSet' as const }, [node('b1', 'b')], []],
])('to spread the gateway again evicts %s', async (_, workload, others, expected) => {
  const { stack, evicted } = crowded(...others)
  await spreadAgain(stack, workload, 2)
  expect(evicted).toEqual(expected)
})

test.each([
  ['no label', [node('b1', undefined)], 'All nodes that take a pod are in zone a: there is no other to spread over.'],
  ['only a tainted second one', [node('b1', 'b', '2', [TAINT])], 'All nodes that take a pod are in zone a'],
])('pods are not to be spread over zones with %s', async (_, others, message) => {
  await expect(zonesToSpreadOver(crowded(...others).stack)).rejects.toThrow(message)
})

test('zones are those of the nodes that take a pod', async () => {
  expect(await zonesToSpreadOver(crowded(node('b1', 'b'), node('c1', 'c', '2', [TAINT])).stack)).toEqual(['a', 'b'])
})
