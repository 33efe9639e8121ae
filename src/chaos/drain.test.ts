import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { drain } from './drain.ts'
import { chooseNodes, chooseZone } from './drain-choice.ts'
import { DrainView } from './drain-view.ts'
import { budgetBreaches, neverAllows } from './disruption-budgets.ts'
import { removePods } from './faults.ts'
import { setDeadlineFactor } from '../core/deadlines.ts'
import type { KubernetesObject } from '../core/object.ts'
import { inScope, Scope } from '../core/scope.ts'
import { alivePods } from '../kube/pods.ts'
import { stackSchema } from '../config/stack-schema.ts'
import { Stack } from '../stack/stack.ts'
import { knativeComponent } from '../survey/surveyed.ts'
import { makeRun } from '../../test/make-run.ts'
import { testTwin } from '../../test/start-twin.ts'

let on: Awaited<ReturnType<typeof testTwin>>
let stack: Stack
let scope = new Scope('chaos/test', new AbortController().signal, 'disrupts')
beforeAll(async () => {
  on = await testTwin()
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'plumbline-')), 'kubeconfig')
  writeFileSync(kubeconfig, stringify(on.twin.kubeconfig))
  const config = stackSchema.parse({ target: 'twin', kubeconfig, context: 'twin' })
  stack = new Stack(makeRun([], { config, context: 'twin' }), new AbortController().signal)
})
afterEach(async () => {
  setDeadlineFactor(1)
  await inScope(new Scope('end', new AbortController().signal, 'disrupts'), () => scope.end())
  stack.forgetLists()
})
afterAll(async () => {
  await stack.k8s.config.close()
  await on.stop()
})

const WORKERS = ['plumbline-worker', 'plumbline-worker2']
const node = async (name: string): Promise<KubernetesObject> => stack.k8s.get('v1/Node', name)
const facts = async (...names: string[]) =>
  (await DrainView.read(stack)).nodes.filter(({ name }) => names.includes(name))
const cordon = (name: string) => stack.changes.tune('v1/Node', undefined, name, { spec: { unschedulable: true } })
/** Does something as a check does: what it changed is put back after the test. */
const asCheck = <T>(work: () => Promise<T>): Promise<T> => {
  scope = new Scope('chaos/test', new AbortController().signal, 'disrupts')
  return inScope(scope, work)
}
const failure = async (work: () => Promise<unknown>): Promise<string> => {
  const [ended] = await Promise.allSettled([asCheck(work)])
  return ended.status === 'rejected' ? String(ended.reason) : 'it went well'
}

describe('a drain', () => {
  test('is of one node of each zone first, and of no more than stack.yaml allows', async () => {
    const names = async (most: number) =>
      (await chooseNodes(await DrainView.read(stack), most)).nodes.map(({ name }) => name).toSorted()
    expect(await names(3)).toEqual(WORKERS)
    expect(await names(1)).toHaveLength(1)
  })

  test('spares a node with a pod that nobody would make again, unless it is allowed by name', async () => {
    await on.call('POST', '/api/v1/namespaces/default/pods', {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'nobodys' } },
      spec: { nodeName: WORKERS[0], containers: [{ name: 'a', image: 'docker.io/library/nginx:alpine' }] },
    })
    const loss = 'Pod default/nobodys on node plumbline-worker has no controller: nothing would create it again'
    const { nodes, spared } = await chooseNodes(await DrainView.read(stack), 3)
    expect(nodes.map(({ name }) => name)).toEqual([WORKERS[1]])
    expect(spared).toEqual([loss])
    expect((await chooseZone(await DrainView.read(stack), 3)).nodes.map(({ name }) => name)).toEqual([WORKERS[1]])
    expect(await failure(async () => drain(stack, await facts(WORKERS[0]!)))).toBe(
      `DoesNotApply: Node plumbline-worker may not be drained any more: ${loss}.`,
    )
    stack.config.chaos.mayEvict.push('default/nobodys')
    expect((await chooseNodes(await DrainView.read(stack), 3)).spared).toEqual([])
    stack.config.chaos.mayEvict.pop()
    await on.call('DELETE', '/api/v1/namespaces/default/pods/nobodys')
  })

  test('moves what a node holds, keeps budgets, and has the node take pods again', async () => {
    const drained = await asCheck(async () => drain(stack, await facts(WORKERS[0]!)))
    expect(drained.evicted).toBeGreaterThan(3)
    expect((await node(WORKERS[0]!)).spec?.unschedulable).toBeUndefined()
    const { items } = await stack.k8s.list('v1/Pod', { namespace: 'knative-serving' })
    expect(items.filter(({ spec }) => spec?.nodeName === WORKERS[1]).length).toBeGreaterThan(0)
  })

  test('of too few workers is refused, with how many there are', async () => {
    const chosen = async () => (await cordon(WORKERS[1]!), chooseNodes(await DrainView.read(stack), 3))
    expect(await failure(chosen)).toMatch(/1 of 3 nodes take pods; a drain needs at least 2/)
  })

  test('does not wait for a workload of somebody that was broken before', async () => {
    const labels = { app: 'broken' }
    await on.call('POST', '/apis/apps/v1/namespaces/default/deployments', {
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'broken' } },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'registry.invalid/a:1' }] } },
      },
    })
    const [pod] = await stack.until(
      { kind: 'v1/Pod', namespace: 'default', labels: 'app=broken' },
      (pods) => (pods[0]?.spec?.nodeName ? undefined : 'it has no node yet'),
      'podReady',
    )
    const drained = await asCheck(async () => drain(stack, await facts(String(pod?.spec?.nodeName))))
    expect(drained.evicted).toBeGreaterThan(0)
    await on.call('DELETE', '/apis/apps/v1/namespaces/default/deployments/broken')
  })

  test('names the budget that never allows a disruption, and its pod', async () => {
    const told = await failure(async () => {
      await stack.changes.tune('policy/v1/PodDisruptionBudget', 'knative-serving', 'activator-pdb', {
        spec: { minAvailable: '80%' },
      })
      await stack.until(
        { kind: 'policy/v1/PodDisruptionBudget', namespace: 'knative-serving', name: 'activator-pdb' },
        ([found]) => (found?.status?.desiredHealthy === 2 ? undefined : 'not counted yet'),
        'scale',
      )
      const { items } = await stack.k8s.list('v1/Pod', { namespace: 'knative-serving', labels: 'app=activator' })
      return drain(stack, await facts(String(alivePods(items)[0]?.spec?.nodeName)))
    })
    expect(told).toMatch(
      /PodDisruptionBudget knative-serving\/activator-pdb never allows a disruption: minAvailable 80% of 2 pods means /,
    )
    expect(told).toMatch(/that 2 must be healthy, so pod activator-\S+ cannot be evicted/)
  })

  test('says which resource lacks when there is no room elsewhere', async () => {
    setDeadlineFactor(0.02)
    const told = await failure(async () => {
      await stack.changes.tune('apps/v1/Deployment', 'knative-serving', 'controller', {
        spec: { strategy: { rollingUpdate: null, type: 'Recreate' } },
      })
      const { items } = await stack.k8s.list('v1/Pod', { namespace: 'knative-serving', labels: 'app=controller' })
      const from = String(items[0]?.spec?.nodeName)
      const other = WORKERS.find((name) => name !== from)!
      // The other worker is full from now on.
      await on.call(
        'PATCH',
        `/api/v1/nodes/${other}/status`,
        { status: { allocatable: { cpu: '1m' } } },
        { type: 'application/merge-patch+json' },
      )
      return drain(stack, await facts(from))
    })
    for (const name of WORKERS)
      await on.call(
        'PATCH',
        `/api/v1/nodes/${name}/status`,
        { status: { allocatable: { cpu: '8' } } },
        { type: 'application/merge-patch+json' },
      )
    expect(told).toMatch(/after [\d.]+ s|eviction of pod/)
    expect(told).toMatch(/Insufficient cpu/)
  })

  test('of a node that does not come back says so', async () => {
    setDeadlineFactor(0.02)
    const name = WORKERS[1]!
    const ready = async (status: string) => {
      const { status: all } = await node(name)
      const conditions = (all.conditions as { type: string }[]).map((each) =>
        each.type === 'Ready' ? { ...each, status, message: 'kubelet stopped posting node status' } : each,
      )
      await on.call(
        'PATCH',
        `/api/v1/nodes/${name}/status`,
        { status: { conditions } },
        { type: 'application/merge-patch+json' },
      )
    }
    const told = await failure(async () => {
      const leaving = await facts(name)
      await ready('Unknown')
      return drain(stack, leaving)
    })
    await ready('True')
    expect(told).toMatch(
      /Node plumbline-worker2: Ready is Unknown \(kubelet stopped posting node status\), after [\d.]+ s/,
    )
  })

  test('of a zone does not apply where there is one zone, or none by the labels', async () => {
    const zone = (name: string, value: string | null) =>
      stack.changes.tune('v1/Node', undefined, name, {
        metadata: { labels: { 'topology.kubernetes.io/zone': value } },
      })
    const chosen = async () => chooseZone(await DrainView.read(stack), 3)
    expect(await failure(async () => (await zone(WORKERS[0]!, 'zone-b'), chosen()))).toBe(
      'DoesNotApply: All 2 nodes are in zone zone-b: pods have no other to go to.',
    )
    await inScope(new Scope('end', new AbortController().signal, 'disrupts'), () => scope.end())
    expect(await failure(async () => (await zone(WORKERS[0]!, null), chosen()))).toBe(
      'DoesNotApply: Node plumbline-worker has no label topology.kubernetes.io/zone: its zone is not known.',
    )
  })
})

describe('a Deployment that is taken away', () => {
  test('is back when the check ends, and the journal has nothing open', async () => {
    await asCheck(async () => {
      await removePods(stack, await knativeComponent(stack, 'autoscaler'))
      expect(stack.journal.pending().map(({ what }) => what)).toEqual(['changed', 'disturbed'])
      expect(
        (await stack.k8s.list('v1/Pod', { namespace: 'knative-serving', labels: 'app=autoscaler' })).items,
      ).toEqual([])
    })
    await inScope(new Scope('end', new AbortController().signal, 'disrupts'), () => scope.end())
    expect((await stack.k8s.get('apps/v1/Deployment', 'autoscaler', 'knative-serving')).status?.readyReplicas).toBe(1)
    expect(stack.journal.pending()).toEqual([])
  })
})

describe('a budget', () => {
  const budget = (spec: object, status: object) => ({
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b', namespace: 'n' },
    spec,
    status,
  })

  test.each([
    [
      { minAvailable: '80%' },
      { expectedPods: 2, desiredHealthy: 2 },
      /b never allows a disruption: minAvailable 80% of 2 pods/,
    ],
    [{ maxUnavailable: 0 }, { expectedPods: 3, desiredHealthy: 3 }, /maxUnavailable 0 of 3 pods/],
    [{ minAvailable: '80%' }, { expectedPods: 5, desiredHealthy: 4 }, undefined],
    [{ minAvailable: 1 }, { expectedPods: 0, desiredHealthy: 1 }, undefined],
  ])('%o of %o', (spec, status, told) => {
    const never = neverAllows(budget(spec, status))
    if (told) expect(never).toMatch(told)
    else expect(never).toBeUndefined()
  })

  test('is broken where it had its healthy pods before, and not by that more are to come', () => {
    const at = (ms: number, status: object) => ({ at: ms, objects: [budget({ minAvailable: 2 }, status)] })
    const whole = { expectedPods: 3, currentHealthy: 3, desiredHealthy: 2 }
    expect(budgetBreaches([at(0, whole), at(1500, { ...whole, currentHealthy: 1 })])).toEqual([
      'PodDisruptionBudget n/b: 1 pods were healthy at 1.5 s, at least 2 must be',
    ])
    expect(budgetBreaches([at(0, whole), at(900, { expectedPods: 5, currentHealthy: 3, desiredHealthy: 4 })])).toEqual(
      [],
    )
    expect(budgetBreaches([at(0, { ...whole, currentHealthy: 1 })])).toEqual([])
  })
})
