import { describe, expect, test } from 'vitest'
import { found } from '../survey/fact.ts'
import type { Survey } from '../survey/survey.ts'
import { idsOf, partOf, type Knowing } from './parts.ts'

const workload = (name: string, kind = 'Deployment') => ({ kind, namespace: 'anywhere', name })
const stack = {
  config: { observability: { prometheus: 'watch/prom:9090' } },
  survey: () =>
    Promise.resolve({
      istiods: found([{ workload: workload('istiod-blue') }], 'test'),
      gateways: found(
        [
          {
            role: 'certified',
            istiod: found('anywhere/istiod-blue', 'test'),
            workloads: [workload('edge', 'DaemonSet')],
            balancer: found({ maker: 'metallb', controller: workload('lb-controller') }, 'test'),
          },
        ],
        'test',
      ),
      knative: found({ components: { activator: workload('activator') } }, 'test'),
      certManager: found({ components: { controller: workload('cm') } }, 'test'),
    } as unknown as Survey),
} as unknown as Knowing

describe('a part of the stack', () => {
  test('is where the survey found it', async () => {
    const parts = ['istiod', 'gateway', 'balancer', 'knative/activator', 'cert-manager/controller'] as const
    const names = await Promise.all(parts.map(async (part) => (await partOf(stack, part)).name))
    expect(names).toEqual(['istiod-blue', 'edge', 'lb-controller', 'activator', 'cm'])
  })

  test('that the stack does not have cannot be broken', async () => {
    await expect(partOf(stack, 'knative/domain-mapping')).rejects.toThrow('The stack has no knative/domain-mapping')
  })

  test('is restarted by its kind; Prometheus by what stack.yaml says', async () => {
    expect(await idsOf(stack, ['gateway', 'prometheus'])).toEqual([
      { kind: 'apps/v1/DaemonSet', namespace: 'anywhere', name: 'edge' },
      { kind: 'apps/v1/Deployment', namespace: 'watch', name: 'prom' },
    ])
  })
})
