import type { KubernetesObject } from '../core/object.ts'
import { StackFailure } from '../core/problem.ts'
import { statusOf } from '../kube/errors.ts'
import { watchObjects } from '../kube/watch.ts'
import type { Shaper } from './shaper.ts'

const LABELS = { 'pod-security.kubernetes.io/enforce': 'restricted' }

/** What a platform puts into each new namespace. */
const objectsFor = (namespace: string): KubernetesObject[] => [
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'default-deny', namespace },
    spec: { podSelector: {}, policyTypes: ['Ingress'] },
  },
  {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'usual', namespace },
    spec: {
      limits: [
        {
          type: 'Container',
          default: { cpu: '500m', memory: '256Mi' },
          defaultRequest: { cpu: '10m', memory: '32Mi' },
        },
      ],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'usual', namespace },
    spec: { hard: { pods: '60', 'requests.cpu': '8', 'requests.memory': '8Gi', 'limits.memory': '32Gi' } },
  },
]

/**
 * Acts a platform's policy out: each new namespace is restricted by Pod Security, and gets a default-deny
 * NetworkPolicy, a LimitRange and a ResourceQuota.
 */
export async function actPolicy(shaper: Shaper): Promise<void> {
  const { api } = shaper
  const { items } = await api.list('v1/Namespace')
  const known = new Set(items.map(({ metadata }) => metadata?.uid))
  let work: Promise<void> = Promise.resolve()
  const restrict = async (name: string) => {
    try {
      await api.patch({ kind: 'v1/Namespace', name }, { metadata: { labels: LABELS } })
      for (const object of objectsFor(name)) await api.apply(object)
    } catch (problem) {
      // It may be on its way out already.
      if (!(problem instanceof StackFailure || [403, 404].includes(statusOf(problem)?.code ?? 0))) throw problem
    }
  }
  shaper.act(async (signal) => {
    await watchObjects(api, { kind: 'v1/Namespace' }, signal, (namespaces) => {
      for (const { metadata } of namespaces.filter((each) => !known.has(each.metadata?.uid))) {
        known.add(metadata?.uid)
        work = work.then(() => restrict(metadata?.name ?? ''))
      }
      return false
    })
    await work
  })
}
