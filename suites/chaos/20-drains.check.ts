import { budgetBreaches, budgetsWatched } from '../../src/chaos/disruption-budgets.ts'
import { drain } from '../../src/chaos/drain.ts'
import { chooseNodes, chooseZone } from '../../src/chaos/drain-choice.ts'
import { DrainView } from '../../src/chaos/drain-view.ts'
import { throughFault } from '../../src/chaos/experiment.ts'
import { restartByStrategy } from '../../src/chaos/faults.ts'
import { gatewayUnderFault } from '../../src/chaos/gateway.ts'
import { openProxiedService, podsWatched } from '../../src/chaos/served.ts'
import { check } from '../../src/check/check.ts'
import { readyPods } from '../../src/kube/pods.ts'
import { describeCost, expectWithin } from './within-budget.ts'
import { counted } from '../../src/core/counted.ts'

const DRAIN = {
  guide: '4',
  level: 'required',
  effect: 'disrupts',
  within: 'drainCheck',
  requires: ['k6', 'drain'],
  needs: ['knative/hello-through-lb'],
} as const

check(
  'chaos/drain-node',
  {
    ...DRAIN,
    asserts:
      'a drain under load of nodes that serve, one at a time and one of each zone first, breaks no ' +
      'PodDisruptionBudget and keeps failures within the budget; all pods run again, and the nodes take pods again',
    remedy: [
      'See in the picture (course.svg) when requests failed',
      'Give each Deployment at least two pods and a PodDisruptionBudget, so that a replacement is Ready first',
      'Add a preStop delay to a pod that stops before its endpoint is removed',
      "Raise the gateway's terminationDrainDuration and terminationGracePeriodSeconds",
    ],
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await openProxiedService(stack)
    const { nodes, spared } = await chooseNodes(await DrainView.read(stack), stack.config.chaos.nodes)
    const gateway = await gatewayUnderFault(stack)
    const watched = [podsWatched(service), budgetsWatched]
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/drain-node', host: service.host, watched },
      async () => {
        const drained = []
        for (const node of nodes) drained.push(await drain(stack, [node]))
        await gateway.spreadAgain()
        return drained
      },
    )
    for (const { nodes: names, seconds, evicted } of observed.result) {
      measure(`drain of ${names.join(', ')}`, seconds, 's')
      measure(`evicted from ${names.join(', ')}`, evicted, 'pods')
    }
    expect(budgetBreaches(observed.snapshots[1] ?? []), 'PodDisruptionBudgets that were broken').toBeNone()
    const fewest = Math.min(...(observed.snapshots[0] ?? []).map(({ objects }) => readyPods(objects).length))
    expect(fewest, `Service ${service.name} (2 pods, maxUnavailable 1), fewest Ready pods`).toBeGreaterThanOrEqual(1)
    expectWithin(expect, observed, stack.config.budgets['drain-node'])
    const total = (key: 'refused' | 'evicted') => observed.result.reduce((sum, drained) => sum + drained[key], 0)
    const evictions =
      `${counted(total('evicted'), 'pod')} evicted ` + `(${counted(total('refused'), 'eviction')} refused at first)`
    const left = spared.length ? `; left alone: ${spared[0]} (${counted(spared.length, 'such pod')})` : ''
    return `${counted(nodes.length, 'node')} drained, ${evictions}; ${describeCost(observed)}${left}`
  },
)

check(
  'chaos/drain-zone',
  {
    ...DRAIN,
    asserts:
      'a drain under load of all nodes of a zone at once breaks no PodDisruptionBudget ' +
      'and keeps failures within the budget; all pods run again in the other zones',
    // All nodes of a zone at once: without budgets nothing would keep a pod of each.
    needs: [...DRAIN.needs, 'chaos/pdbs'],
    remedy: [
      'Fix chaos/drain-node first if it failed too',
      'Spread the pods of each Deployment over zones with topologySpreadConstraints',
      'Add nodes to the other zones if pods stay Pending there',
    ],
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await openProxiedService(stack)
    const { nodes, zone } = await chooseZone(await DrainView.read(stack), stack.config.chaos.nodes)
    const gateway = await gatewayUnderFault(stack)
    const watched = [budgetsWatched, podsWatched(service)]
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/drain-zone', host: service.host, watched },
      async () => {
        const drained = await drain(stack, nodes)
        await gateway.spreadAgain()
        return drained
      },
    )
    measure(`drain of ${zone}`, observed.result.seconds, 's')
    measure('evicted', observed.result.evicted, 'pods')
    expect(budgetBreaches(observed.snapshots[0] ?? []), 'PodDisruptionBudgets that were broken').toBeNone()
    expectWithin(expect, observed, stack.config.budgets['drain-zone'])
    const { evicted, seconds } = observed.result
    const drained = `${counted(nodes.length, 'node')} of zone ${zone} drained in ${seconds.toFixed(1)} s`
    return `${drained}, ${counted(evicted, 'pod')} evicted; ${describeCost(observed)}`
  },
)

check(
  'chaos/gateway-rollout',
  {
    asserts: "a rolling restart of the gateway under load keeps failed requests and gaps within stack.yaml's budget",
    guide: '2',
    level: 'required',
    effect: 'disrupts',
    within: 'faultCheck',
    requires: ['k6'],
    needs: ['knative/hello-through-lb'],
    remedy: [
      'Set strategy RollingUpdate with a maxUnavailable below the number of gateway pods',
      "Raise terminationDrainDuration above the load balancer's deregistration delay",
    ],
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await openProxiedService(stack)
    const gateway = await gatewayUnderFault(stack)
    const watched = [gateway.watched]
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/gateway-rollout', host: service.host, watched },
      async () => {
        for (const workload of gateway.workloads) await restartByStrategy(stack, workload)
        await gateway.spreadAgain()
      },
    )
    expectWithin(expect, observed, stack.config.budgets['gateway-rollout'])
    const seconds = ((observed.fault.to - observed.fault.from) / 1000).toFixed(1)
    return `all pods of ${gateway.name} were replaced in ${seconds} s; ${describeCost(observed)}`
  },
)
