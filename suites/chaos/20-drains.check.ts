import { zoneOf } from '../../src/kube/nodes.ts'
import { budgetBreaches, budgetsWatched } from '../../src/chaos/disruption-budgets.ts'
import { drain, servingNodes } from '../../src/chaos/drain.ts'
import { throughFault } from '../../src/chaos/experiment.ts'
import { rollOver } from '../../src/chaos/faults.ts'
import { gatewayDeployment } from '../../src/chaos/gateway.ts'
import { podsWatched, throughActivators } from '../../src/chaos/served.ts'
import { check } from '../../src/check/check.ts'
import { StackFailure } from '../../src/core/problem.ts'
import { readyPods } from '../../src/kube/pods.ts'
import { cost, expectWithin } from './within-budget.ts'

const DRAIN = {
  guide: '4',
  level: 'required',
  effect: 'disrupts',
  within: 'drainCheck',
  requires: ['k6', 'drain'],
  needs: ['chaos/pdbs', 'knative/hello-through-lb', 'mesh/proxies-synced'],
} as const

check(
  'chaos/drain-node',
  {
    ...DRAIN,
    asserts:
      'each node that serves is drained, one at a time, under load: no budget is broken at any moment, everything is whole elsewhere, no request fails, and the node takes pods again',
    remedy:
      'the picture shows what failed when: a pod that ends before its endpoint is gone, one that nobody replaces first, or a gateway without time to drain (terminationDrainDuration, terminationGracePeriodSeconds)',
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await throughActivators(stack)
    const nodes = await servingNodes(stack)
    const gateway = await gatewayDeployment(stack)
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
    expect(nodes.length, 'nodes that serve').toBeGreaterThan(0)
    expect(budgetBreaches(observed.snapshots[1] ?? []), 'moments at which a budget was broken').toBeNone()
    const fewest = Math.min(...(observed.snapshots[0] ?? []).map(({ objects }) => readyPods(objects).length))
    expect(fewest, 'fewest pods of the Service Ready at any moment, of 2 with maxUnavailable 1').toBeGreaterThanOrEqual(
      1,
    )
    expectWithin(expect, observed, stack.config.budgets['drain-node'])
    const refused = observed.result.reduce((sum, each) => sum + each.refused, 0)
    return `${nodes.length} nodes, ${observed.result.reduce((sum, each) => sum + each.evicted, 0)} pods evicted (${refused} times a budget said later); ${cost(observed)}`
  },
)

check(
  'chaos/drain-zone',
  {
    ...DRAIN,
    asserts: 'a whole zone that serves is drained at once under load: the same, and what it held runs in the others',
    needs: [...DRAIN.needs, 'infra/nodes-zones'],
    remedy:
      'see chaos/drain-node first; if only this fails, one zone holds all pods of something, or the others lack the room for them',
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await throughActivators(stack)
    const nodes = await servingNodes(stack)
    const gateway = await gatewayDeployment(stack)
    const zones = [...new Set(nodes.map(zoneOf))]
    if (zones.length < 2)
      throw new StackFailure(
        `The nodes that serve are all in ${zones[0] || 'no zone'}: to drain a zone there must be another.`,
      )
    const [zone] = zones
    const leaving = nodes.filter((node) => zoneOf(node) === zone)
    const watched = [budgetsWatched, podsWatched(service)]
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/drain-zone', host: service.host, watched },
      async () => {
        const drained = await drain(stack, leaving)
        await gateway.spreadAgain()
        return drained
      },
    )
    measure(`drain of ${zone}`, observed.result.seconds, 's')
    measure('evicted', observed.result.evicted, 'pods')
    expect(budgetBreaches(observed.snapshots[0] ?? []), 'moments at which a budget was broken').toBeNone()
    expectWithin(expect, observed, stack.config.budgets['drain-zone'])
    return `${zone}: ${leaving.length} nodes, ${observed.result.evicted} pods evicted in ${observed.result.seconds.toFixed(1)} s; ${cost(observed)}`
  },
)

check(
  'chaos/gateway-rollout',
  {
    asserts:
      'a rolling restart of the gateway under load, through the load balancer: no failed request, no gap over a second',
    guide: '2',
    level: 'required',
    effect: 'disrupts',
    within: 'faultCheck',
    requires: ['k6'],
    needs: ['knative/hello-through-lb', 'mesh/proxies-synced'],
    remedy:
      'the new pods must be Ready before the old go (strategy RollingUpdate, maxUnavailable below their number), and those must drain longer than the load balancer takes to let go of them',
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await throughActivators(stack)
    const gateway = await gatewayDeployment(stack)
    const watched = [gateway.watched]
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/gateway-rollout', host: service.host, watched },
      async () => {
        await rollOver(stack, gateway.name)
        await gateway.spreadAgain()
      },
    )
    expectWithin(expect, observed, stack.config.budgets['gateway-rollout'])
    return `all pods of ${gateway.name} replaced in ${((observed.fault.to - observed.fault.from) / 1000).toFixed(1)} s; ${cost(observed)}`
  },
)
