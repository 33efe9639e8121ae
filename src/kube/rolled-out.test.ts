import { expect, test } from 'vitest'
import { isRolledOut, isRolledOutOrGone } from './rolled-out.ts'

const workload = (kind: string, status: object, spec: object = { replicas: 2 }) => ({
  kind,
  metadata: { name: 'gateway', namespace: 'edge', generation: 3 },
  spec,
  status: { observedGeneration: 3, conditions: [{ type: 'Available', status: 'True' }], ...status },
})

test.each([
  ['Deployment', { replicas: 2, readyReplicas: 2, updatedReplicas: 2 }, undefined],
  [
    'Deployment',
    { replicas: 3, readyReplicas: 2, updatedReplicas: 1 },
    'Deployment edge/gateway has 2 of 2 pods Ready',
  ],
  ['DaemonSet', { desiredNumberScheduled: 3, numberReady: 3, updatedNumberScheduled: 3 }, undefined],
  [
    'DaemonSet',
    { desiredNumberScheduled: 3, numberReady: 2, updatedNumberScheduled: 3 },
    'DaemonSet edge/gateway has 2 of 3 pods Ready',
  ],
  [
    'DaemonSet',
    { desiredNumberScheduled: 3, numberReady: 3, updatedNumberScheduled: 3, observedGeneration: 2 },
    'DaemonSet edge/gateway: its controller has not seen its spec',
  ],
  ['StatefulSet', { readyReplicas: 1 }, 'StatefulSet edge/gateway has 1 of 2 pods Ready'],
  ['Rollout', { readyReplicas: 2 }, undefined],
  ['Job', {}, undefined],
])('a %s with %o lacks %s', (kind, status, missing) => {
  expect(isRolledOut([workload(kind, status)])).toBe(missing)
})

test('a DaemonSet that is updated by deletion may have pods of an older template', () => {
  const status = { desiredNumberScheduled: 3, numberReady: 3, updatedNumberScheduled: 0 }
  expect(isRolledOut([workload('DaemonSet', status, { updateStrategy: { type: 'OnDelete' } })])).toBeUndefined()
})

test('what is gone is missed, unless it may go', () => {
  expect(isRolledOut([])).toBeDefined()
  expect(isRolledOutOrGone([])).toBeUndefined()
})
