import { workloadNamespace } from '../../src/cluster/workload.ts'
import { budgetTroubles } from '../../src/chaos/disruption-budgets.ts'
import { evictAllAtOnce } from '../../src/chaos/evictions.ts'
import { skewOf, zonesToSpreadOver } from '../../src/chaos/spread.ts'
import { check } from '../../src/check/check.ts'
import { readyPods } from '../../src/kube/pods.ts'
import { podsOfRevision } from '../../src/knative/revision.ts'
import { tuneSetting } from '../../src/knative/tune-setting.ts'
import { podsReady } from '../../src/kube/until.ts'
import { counted } from '../../src/core/counted.ts'

check(
  'chaos/pdbs',
  {
    asserts:
      "the gateways, istiod, the activator and Knative's webhook have a PodDisruptionBudget, " +
      'and each budget of the stack allows at least one disruption now',
    guide: '4',
    level: 'required',
    effect: 'reads',
    needs: ['mesh/pods-running', 'knative/pods-running'],
    remedy: [
      'Create a PodDisruptionBudget for each of these that has none',
      'Add pods or lower minAvailable: 80 % of fewer than 5 pods blocks every drain',
      'Set maxUnavailable: 1 for a Deployment of one pod, and select a pod by one budget only',
    ],
  },
  async ({ stack, expect, measure, remark }) => {
    const { lasting, workloads, budgets, tenants } = await budgetTroubles(stack)
    expect(workloads, 'Workloads of the stack that a drain moves, number').toBeGreaterThan(0)
    measure('PodDisruptionBudgets of the stack', budgets, 'budgets')
    expect(lasting, 'Workloads without a PodDisruptionBudget, or with one that blocks every drain').toBeNone()
    for (const { text, namespace } of tenants) remark(text, namespace)
    // A pod may be being replaced just now: the budget must allow a disruption once it is back.
    await stack.eventually(
      'an allowed disruption in every PodDisruptionBudget',
      async () => (await budgetTroubles(stack)).now[0],
      'podReady',
    )
    return (
      `${counted(workloads, 'workload of the stack has', 'workloads of the stack have')} ` +
      `${counted(budgets, 'PodDisruptionBudget')}; each allows a disruption now`
    )
  },
)

check(
  'chaos/pdb-holds',
  {
    asserts:
      'with minAvailable 50 % excess evictions get 429 until other pods are Ready, and 50 % are Ready at every moment',
    guide: '4',
    level: 'required',
    effect: 'writes',
    needs: ['infra/nodes-ready'],
    remedy: [
      "Check the budget's status with kubectl get pdb: its selector must match the pods",
      'Use evictions (kubectl drain) instead of deletions: a PodDisruptionBudget does not stop a deletion',
    ],
  },
  async ({ stack, expect, measure }) => {
    const namespace = await workloadNamespace(stack, 'budgeted')
    await stack.applyFixture('chaos/budgeted.yaml', { namespace })
    const pods = await stack.until({ kind: 'v1/Pod', namespace, labels: 'app=budgeted' }, podsReady(4), 'podReady')
    const { snapshots, refused, first } = await evictAllAtOnce(stack, { namespace, name: 'budgeted' }, pods)
    const fewest = Math.min(...snapshots.map(({ objects }) => readyPods(objects).length))
    measure('fewest pods Ready', fewest, 'pods')
    measure('evictions refused with 429', refused, 'evictions')
    const deployment = 'Deployment budgeted (4 pods, minAvailable 50 %)'
    expect(first.allowed, `${deployment}, concurrent evictions allowed`).toBeLessThanOrEqual(2)
    expect(first.refused, `${deployment}, concurrent evictions refused with 429`).toBeGreaterThanOrEqual(2)
    expect(fewest, `${deployment}, fewest Ready pods`).toBeGreaterThanOrEqual(2)
    return (
      `of 4 concurrent evictions ${first.allowed} were allowed and ${first.refused} got 429; ` +
      `all succeeded later, and at least ${fewest} pods were always Ready`
    )
  },
)

check(
  'chaos/topology-spread',
  {
    asserts:
      'topologySpreadConstraints spread the pods of a Deployment and of a Knative revision over zones ' +
      'with a skew of at most 1',
    guide: '4',
    level: 'required',
    effect: 'tunes',
    needs: ['knative/hello-ready'],
    remedy: [
      'Label every worker with topology.kubernetes.io/zone',
      'Check that each zone has room for the pods',
      'Set kubernetes.podspec-topologyspreadconstraints: enabled in config-features for revisions',
    ],
  },
  async ({ stack, expect, measure }) => {
    const zones = await zonesToSpreadOver(stack)
    const replicas = zones.length * 2
    const namespace = await workloadNamespace(stack, 'spread')
    await stack.applyFixture('chaos/spread.yaml', { namespace, replicas })
    await tuneSetting(stack, 'config-features', { 'kubernetes.podspec-topologyspreadconstraints': 'enabled' })
    const labels = 'app=spread'
    const deploymentPods = await stack.until({ kind: 'v1/Pod', namespace, labels }, podsReady(replicas), 'podReady')
    const service = stack.knative.manifest(namespace, 'revision', { scaling: { 'min-scale': String(zones.length) } })
    service.spec.template.spec.topologySpreadConstraints = [
      {
        maxSkew: 1,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'DoNotSchedule',
        nodeTaintsPolicy: 'Honor',
        labelSelector: { matchLabels: { 'serving.knative.dev/service': 'revision' } },
      },
    ]
    await stack.knative.untilAccepted(service)
    await stack.apply(service)
    const { revision } = await stack.knative.ready(namespace, 'revision')
    const revisionPods = await stack.until(
      { kind: 'v1/Pod', namespace, labels: podsOfRevision(revision) },
      podsReady(zones.length),
      'podReady',
    )
    for (const [what, pods] of [
      ['the Deployment', deploymentPods],
      ['the revision', readyPods(revisionPods)],
    ] as const) {
      const { skew, distribution } = await skewOf(stack, pods, zones)
      measure(`skew of ${what}`, skew, 'pods')
      expect(skew, `Pods of ${what}, skew over zones (${distribution})`).toBeLessThanOrEqual(1)
    }
    return (
      `${replicas} pods of a Deployment and ${zones.length} of a revision are spread over ${zones.length} zones ` +
      'with a skew of at most 1'
    )
  },
)
