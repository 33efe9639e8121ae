import { describe, expect, test } from 'vitest'
import { alivePods, deploymentTroubles, readinessTroubles, recentRestarts } from './pods.ts'

describe('pods and deployments', () => {
  test('leftovers count as no pods of a workload, and are no trouble', () => {
    const pod = (name: string, phase: string, more: object = {}) => ({
      kind: 'Pod',
      metadata: { name, namespace: 'mesh', ...more },
      status: { phase },
    })
    const pods = [
      pod('evicted', 'Failed'),
      pod('done', 'Succeeded'),
      pod('leaving', 'Running', { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      pod('of-a-job', 'Running', { ownerReferences: [{ kind: 'Job', name: 'j' }] }),
      pod('waiting', 'Pending', { ownerReferences: [{ kind: 'ReplicaSet', name: 'r' }] }),
    ]
    expect(alivePods(pods).map((each) => each.metadata?.name)).toEqual(['waiting'])
    expect(readinessTroubles(pods)).toEqual(['waiting: Pending'])
  })

  test('a Deployment of zero replicas does nothing, though Kubernetes calls it Available', () => {
    const available = { status: 'True', type: 'Available' }
    const make = (replicas: number, readyReplicas: number) => ({
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { replicas },
      status: { readyReplicas, conditions: [available] },
    })
    expect(deploymentTroubles(make(0, 0))).toEqual(['Deployment d asks for 0 replicas'])
    expect(deploymentTroubles(make(2, 1))).toEqual(['Deployment d has 1 of 2 replicas Ready'])
    expect(deploymentTroubles(make(2, 2))).toEqual([])
  })

  test('a restart counts for ten minutes', () => {
    const pod = {
      metadata: { name: 'p' },
      status: {
        containerStatuses: [
          {
            name: 'c',
            restartCount: 1,
            lastState: { terminated: { finishedAt: '2026-01-01T00:00:00Z', reason: 'Error', exitCode: 1 } },
          },
        ],
      },
    }
    const at = (text: string) => new Date(text).getTime()
    expect(recentRestarts([pod], 10, at('2026-01-01T00:05:00Z'))).toEqual([
      'p c: ended 300 s ago (Error, exit code 1), 1 restarts',
    ])
    expect(recentRestarts([pod], 10, at('2026-01-01T00:11:00Z'))).toEqual([])
  })
})
