import { expect, test } from 'vitest'
import type { NodeFact } from '../survey/survey.ts'
import { judgeSpeakers } from './metallb.ts'

const pod = (name: string, node: string, ready = 'True') => ({
  kind: 'Pod',
  metadata: { name, namespace: 'lb' },
  spec: { nodeName: node },
  status: { conditions: [{ type: 'Ready', status: ready, message: 'it starts' }] },
})
const nodes = new Map(
  (['ready', 'leaving', 'coming'] as const).map((state) => [state, { name: state, state } as NodeFact]),
)

test('the speakers are as many as their DaemonSet wants, whatever the number of nodes', () => {
  expect(judgeSpeakers([pod('a', 'ready')], nodes, 1)).toEqual({ ready: 1, troubles: [], remarks: [] })
})

test('one that is not Ready on a node that is up is a trouble, on another node a remark', () => {
  const pods = [pod('a', 'ready', 'False'), pod('b', 'leaving', 'False'), pod('c', 'coming', 'False')]
  expect(judgeSpeakers(pods, nodes, 3)).toEqual({
    ready: 0,
    troubles: ['a: it starts'],
    remarks: [
      'Pod lb/b is not Ready: its node leaving is down, joining or leaving.',
      'Pod lb/c is not Ready: its node coming is down, joining or leaving.',
    ],
  })
})

test('pods that do not exist are a trouble, and a DaemonSet that wants none', () => {
  expect(judgeSpeakers([pod('a', 'ready')], nodes, 3).troubles).toEqual(['2 of the 3 pods that it wants do not exist'])
  expect(judgeSpeakers([], nodes, 0).troubles).toEqual(['the DaemonSet wants a pod on no node'])
})
