import { workloadNamespace } from '../../src/cluster/workload.ts'
import { budgetTroubles } from '../../src/chaos/disruption-budgets.ts'
import { evictAllAtOnce } from '../../src/chaos/evictions.ts'
import { skewOf, zonesOf } from '../../src/chaos/spread.ts'
import { check } from '../../src/check/check.ts'
import { readyPods } from '../../src/kube/pods.ts'
import { podsOfRevision } from '../../src/knative/revision.ts'
import { podsReady } from '../../src/kube/until.ts'

check(
  'chaos/pdbs',
  {
    asserts:
      "Knative's, the gateway's, istiod's and the workload's pods are each covered by a PodDisruptionBudget that matches pods and allows at least one disruption now",
    guide: '4',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/pods-running', 'knative/pods-running'],
    remedy:
      'give each Deployment a PodDisruptionBudget, and enough pods for it: minAvailable 80 % of fewer than five blocks every drain, and of one pod only maxUnavailable 1 lets it move',
  },
  async ({ stack, expect, measure }) => {
    const { lasting, deployments, budgets } = await budgetTroubles(stack)
    expect(deployments, 'Deployments that must be able to move').toBeGreaterThan(0)
    measure('Deployments under a budget', deployments - lasting.length, 'Deployments')
    expect(lasting, 'Deployments that cannot be drained, or that nothing protects').toBeNone()
    // A pod that is being replaced just now is nobody's fault; one that stays away is.
    await stack.eventually(
      'every budget allowing a disruption',
      async () => (await budgetTroubles(stack)).now[0],
      'podReady',
    )
    return `${deployments} Deployments are under ${budgets} budgets, each of which allows a disruption now`
  },
)

check(
  'chaos/pdb-holds',
  {
    asserts:
      'with minAvailable 50 % evictions past it get 429 until others are Ready, and at no moment are fewer pods Ready',
    guide: '4',
    level: 'required',
    effect: 'writes',
    needs: ['infra/nodes-ready'],
    remedy:
      "see the budget's status (kubectl get pdb): a selector that matches nothing protects nothing, and only evictions ask it, no deletion",
  },
  async ({ stack, expect, measure }) => {
    const namespace = await stack.namespace('budgeted')
    await stack.applyFixture('chaos/budgeted.yaml', { namespace })
    const pods = await stack.until({ kind: 'v1/Pod', namespace, labels: 'app=budgeted' }, podsReady(4), 'podReady')
    const { snapshots, refused, first } = await evictAllAtOnce(stack, { namespace, name: 'budgeted' }, pods)
    const fewest = Math.min(...snapshots.map(({ objects }) => readyPods(objects).length))
    measure('fewest pods Ready', fewest, 'pods')
    measure('evictions refused with 429', refused, 'evictions')
    expect(first.allowed, 'evictions of 4 at once that were let through').toBeLessThanOrEqual(2)
    expect(first.refused, 'evictions of 4 at once that got 429').toBeGreaterThanOrEqual(2)
    expect(fewest, 'fewest pods Ready at any moment of the watch, with minAvailable 50 % of 4').toBeGreaterThanOrEqual(
      2,
    )
    return `4 evictions at once: ${first.allowed} let through, ${first.refused} got 429; all were in the end, never fewer than ${fewest} pods Ready`
  },
)

check(
  'chaos/topology-spread',
  {
    asserts:
      'topologySpreadConstraints over zones hold, skew at most 1: for a Deployment, and for a Knative revision with its feature flag',
    guide: '4',
    level: 'required',
    effect: 'tunes',
    needs: ['infra/nodes-zones', 'knative/hello-ready'],
    remedy:
      'label every worker with its zone, and see whether each zone has room; a revision needs kubernetes.podspec-topologyspreadconstraints: enabled in config-features',
  },
  async ({ stack, expect, measure }) => {
    const zones = await zonesOf(stack)
    const replicas = zones.length * 2
    const namespace = await workloadNamespace(stack, 'spread')
    await stack.applyFixture('chaos/spread.yaml', { namespace, replicas })
    await stack.changes.tune('v1/ConfigMap', 'knative-serving', 'config-features', {
      data: { 'kubernetes.podspec-topologyspreadconstraints': 'enabled' },
    })
    const labels = 'app=spread'
    const ofDeployment = await stack.until({ kind: 'v1/Pod', namespace, labels }, podsReady(replicas), 'podReady')
    const service = stack.knative.manifest(namespace, 'revision', { scaling: { 'min-scale': String(zones.length) } })
    service.spec.template.spec.topologySpreadConstraints = [
      {
        maxSkew: 1,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { 'serving.knative.dev/service': 'revision' } },
      },
    ]
    await stack.knative.untilAccepted(service)
    await stack.apply(service)
    const { revision } = await stack.knative.ready(namespace, 'revision')
    const ofRevision = await stack.until(
      { kind: 'v1/Pod', namespace, labels: podsOfRevision(revision) },
      podsReady(zones.length),
      'podReady',
    )
    for (const [what, pods] of [
      ['the Deployment', ofDeployment],
      ['the revision', readyPods(ofRevision)],
    ] as const) {
      const { skew, told } = await skewOf(stack, pods, zones)
      measure(`skew of ${what}`, skew, 'pods')
      expect(skew, `skew over zones of the pods of ${what} (${told})`).toBeLessThanOrEqual(1)
    }
    return `${replicas} pods of a Deployment and ${zones.length} of a revision over ${zones.length} zones, skew at most 1`
  },
)
