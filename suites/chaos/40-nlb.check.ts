import { throughFault } from '../../src/chaos/experiment.ts'
import { deploymentId, readyPodsOf } from '../../src/chaos/faults.ts'
import { gatewayDeployment } from '../../src/chaos/gateway.ts'
import { served } from '../../src/chaos/served.ts'
import { check } from '../../src/check/check.ts'
import { cost, expectWithin } from './within-budget.ts'

check(
  'chaos/nlb-target-drain',
  {
    asserts:
      'a gateway pod leaves and another joins under load: the target of the one drains, that of the other becomes healthy, and no request is lost',
    guide: '2',
    level: 'recommended',
    effect: 'disrupts',
    within: 'faultCheck',
    requires: ['nlb', 'k6'],
    needs: ['chaos/pdbs', 'knative/hello-through-lb', 'mesh/proxies-synced'],
    remedy:
      "a target gets traffic for some time after it began to drain: the gateway must serve on until then (terminationDrainDuration), and pods need the controller's readiness gate to join before others leave",
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await served(stack)
    const { name, watched, spreadAgain } = await gatewayDeployment(stack)
    const [leaving] = await readyPodsOf(stack, name)
    const address = String(leaving?.status?.podIP)
    const before = (await stack.cloud.targets(80)).length
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/nlb-target-drain', host: service.host, watched: [watched] },
      async (traffic) => {
        const from = traffic.now
        stack.changes.willDisturb(deploymentId(name))
        await stack.k8s.evict(leaving?.metadata?.name ?? '', leaving?.metadata?.namespace ?? '')
        let goneMs = Infinity
        await stack.eventually(
          `targets of port 80 without ${address}, all healthy`,
          async () => {
            const states = await stack.cloud.targets(80)
            const own = states.find(({ id }) => id.startsWith(`${address}:`))
            if (own && own.state !== 'draining' && own.state !== 'unused') return `${own.id} is ${own.state}`
            goneMs = Math.min(goneMs, traffic.now - from)
            const others = states.filter((each) => each !== own)
            const ill = others.find(({ state }) => state !== 'healthy')
            if (ill) return `${ill.id} is ${ill.state}: ${ill.reason}`
            return others.length < before ? `${others.length} of ${before} targets are there` : undefined
          },
          'targetsHealthy',
        )
        await spreadAgain()
        stack.forgetLists()
        return { goneMs, joinedMs: traffic.now - from }
      },
    )
    const { goneMs, joinedMs } = observed.result
    measure('time until the target drained', goneMs / 1000, 's')
    measure('time until all targets were healthy', joinedMs / 1000, 's')
    expectWithin(expect, observed, stack.config.budgets['nlb-target-drain'])
    return `${address} drained after ${(goneMs / 1000).toFixed(1)} s, all targets healthy after ${(joinedMs / 1000).toFixed(1)} s; ${cost(observed)}`
  },
)
