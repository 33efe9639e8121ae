import { expect, test } from 'vitest'
import type { KubernetesObject } from '../core/object.ts'
import type { Stack } from '../stack/stack.ts'
import { found } from '../survey/fact.ts'
import type { Workload } from '../survey/survey.ts'
import { budgetTroubles } from './disruption-budgets.ts'

const workload = (name: string, more: Partial<Workload> = {}): Workload => ({
  ...{ kind: 'Deployment', namespace: 'stack', name, replicas: 2 },
  ...{ podLabels: { app: name }, selector: { app: name } },
  ...more,
})
const budget = (name: string, spec: object, app = name, namespace = 'stack'): KubernetesObject => ({
  kind: 'PodDisruptionBudget',
  metadata: { name, namespace },
  spec: { selector: { matchLabels: { app } }, ...spec },
  status: { expectedPods: 2, disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 },
})
const OPEN = { maxUnavailable: 1 }

/** A stack of a gateway, an istiod, an activator and a controller. */
function stackWith(budgets: KubernetesObject[], parts: Record<string, Partial<Workload>> = {}): Stack {
  const of = (name: string) => workload(name, parts[name])
  const gateway = { role: 'certified', service: { namespace: 'stack', name: 'gateway' }, workloads: [of('gateway')] }
  const survey = {
    gateways: found([{ ...gateway, balancer: { unknown: 'a test' } }], 'a test'),
    istiods: found([{ workload: of('istiod'), rootNamespace: 'stack' }], 'a test'),
    ambient: { absent: 'none' },
    certManager: { absent: 'none' },
    knative: found(
      { namespace: 'stack', components: { activator: of('activator'), controller: of('controller') } },
      'a test',
    ),
  }
  return { survey: () => Promise.resolve(survey), k8s: { list: () => Promise.resolve({ items: budgets }) } } as never
}
const WHOLE = [budget('gateway', OPEN), budget('istiod', OPEN), budget('activator', OPEN)]
const lasting = async (...given: Parameters<typeof stackWith>) => (await budgetTroubles(stackWith(...given))).lasting

test('budgets are needed on the way of requests and of admission, not by a controller', async () => {
  expect(await lasting(WHOLE)).toEqual([])
  expect(await lasting(WHOLE.slice(1))).toEqual(['Deployment stack/gateway has no PodDisruptionBudget'])
})

test('a DaemonSet, which a drain leaves where it is, needs none', async () => {
  expect(await lasting(WHOLE.slice(1), { gateway: { kind: 'DaemonSet' } })).toEqual([])
})

test('where an autoscaler may take pods away, its minimum counts', async () => {
  const half = [budget('gateway', { minAvailable: 1 }), ...WHOLE.slice(1)]
  expect(await lasting(half, { gateway: { hpa: { name: 'gateway', min: 2, max: 5 } } })).toEqual([])
  expect(await lasting(half, { gateway: { hpa: { name: 'gateway', min: 1, max: 5 } } })).toEqual([
    'PodDisruptionBudget stack/gateway never allows a disruption: ' +
      'minAvailable 1 of 1 pods means that 1 must be healthy',
  ])
})

test('two budgets over one pod keep it from being evicted', async () => {
  expect(await lasting([...WHOLE, budget('second', OPEN, 'gateway')])).toEqual([
    'Deployment stack/gateway: 2 PodDisruptionBudgets select its pods (gateway, second); ' +
      'the API server evicts no pod that has several',
  ])
})

test("a tenant's budget that never allows a disruption is theirs, with their namespace", async () => {
  const stack = stackWith([...WHOLE, budget('db', { minAvailable: 2 }, 'db', 'shop')])
  const { lasting: own, tenants } = await budgetTroubles(stack)
  expect(own).toEqual([])
  expect(tenants).toEqual([
    {
      text:
        'PodDisruptionBudget shop/db never allows a disruption: ' +
        'minAvailable 2 of 2 pods means that 2 must be healthy',
      namespace: 'shop',
    },
  ])
})
