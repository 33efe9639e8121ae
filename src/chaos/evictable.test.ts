import { expect, test } from 'vitest'
import { isAllowed, isEvictable, lossOf } from './evictable.ts'

const podOf = (namespace: string, owner?: string, more: { labels?: Record<string, string>; phase?: string } = {}) => ({
  kind: 'Pod',
  metadata: {
    name: 'p',
    namespace,
    ...(owner ? { ownerReferences: [{ kind: owner, name: 'o', apiVersion: 'v1', uid: 'u' }] } : {}),
    ...(more.labels ? { labels: more.labels } : {}),
  },
  status: { phase: more.phase ?? 'Running' },
})
const instrument = { labels: { 'plumbline.dev/instrument': 'agent' } }

test.each([
  ['a pod of a Deployment', podOf('shop', 'ReplicaSet'), true],
  ['a lone pod of somebody', podOf('shop'), true],
  ["a pod of a Deployment of ours: a revision's", podOf('plumb-drain-1', 'ReplicaSet'), true],
  ['a lone pod of ours', podOf('plumb-mesh-1'), false],
  ['the agent, which has a Deployment', podOf('plumb-agent-1', 'ReplicaSet', instrument), false],
  ['a load generator, which has a Job', podOf('plumb-load-1', 'Job', instrument), false],
  ['a pod of a DaemonSet', podOf('kube-system', 'DaemonSet'), false],
  ["the node's own", podOf('kube-system', 'Node'), false],
  ['a pod that is over', podOf('shop', 'Job', { phase: 'Succeeded' }), false],
])('whether a drain has it leave: %s', (_, subject, leaves) => {
  expect(isEvictable(subject)).toBe(leaves)
})

const deployment = { kind: 'apps/v1/Deployment', namespace: 'shop', name: 'web' }
const writing = (container: string, volume: object = { emptyDir: {} }) => ({
  ...podOf('shop', 'ReplicaSet'),
  spec: {
    containers: [{ name: container, volumeMounts: [{ name: 'cache', mountPath: '/cache' }] }, { name: 'other' }],
    volumes: [{ name: 'cache', ...volume }],
  },
})

test.each([
  ['a Deployment without volumes', podOf('shop', 'ReplicaSet'), deployment, undefined],
  ['an emptyDir', writing('web'), deployment, 'has data in emptyDir volume cache, which an eviction deletes'],
  ["an emptyDir of Istio's sidecar", writing('istio-proxy'), deployment, undefined],
  ['a volume that outlives it', writing('web', { persistentVolumeClaim: {} }), deployment, undefined],
  ['no controller', podOf('shop'), undefined, 'has no controller: nothing would create it again'],
  [
    'a StatefulSet',
    podOf('shop', 'StatefulSet'),
    { kind: 'apps/v1/StatefulSet', namespace: 'shop', name: 'db' },
    'belongs to StatefulSet shop/db, which may hold state',
  ],
  [
    'a Job',
    podOf('shop', 'Job'),
    { kind: 'batch/v1/Job', namespace: 'shop', name: 'sum' },
    'belongs to Job shop/sum, whose work would be lost',
  ],
  [
    'a controller that nobody knows',
    podOf('shop', 'Cluster'),
    { kind: 'postgresql.cnpg.io/v1/Cluster', namespace: 'shop', name: 'pg' },
    'belongs to Cluster shop/pg, a kind that Plumbline does not know',
  ],
])('what an eviction costs a pod with %s', (_, pod, owner, loss) => {
  expect(lossOf(pod, owner, false)).toBe(loss)
})

test("the stack's own emptyDirs hold no data", () => {
  expect(lossOf(writing('web'), deployment, true)).toBeUndefined()
})

test.each([
  [['shop/web'], true],
  [['shop/p'], true],
  [['shop/*'], true],
  [['shop/we', 'other/web'], false],
  [[], false],
])('by mayEvict %o it may be evicted: %s', (mayEvict, allowed) => {
  expect(isAllowed(podOf('shop', 'ReplicaSet'), deployment, mayEvict)).toBe(allowed)
})
