import { evict } from '../../src/chaos/drain.ts'
import { throughFault } from '../../src/chaos/experiment.ts'
import { gatewayUnderFault } from '../../src/chaos/gateway.ts'
import { openServedService } from '../../src/chaos/served.ts'
import { check } from '../../src/check/check.ts'
import { DoesNotApply } from '../../src/core/problem.ts'
import { theGateway } from '../../src/survey/surveyed.ts'
import { balancedPorts } from '../../src/survey/traffic-ports.ts'
import { workloadId } from '../../src/survey/workload-id.ts'
import { describeCost, expectWithin } from './within-budget.ts'

check(
  'chaos/nlb-target-drain',
  {
    asserts:
      'after a gateway pod is evicted under load, its NLB target drains, that of its replacement becomes healthy, ' +
      'and failures are within the budget',
    guide: '2',
    level: 'recommended',
    effect: 'disrupts',
    within: 'faultCheck',
    requires: ['nlb', 'k6'],
    needs: ['knative/hello-through-lb'],
    remedy: [
      "Raise the gateway's terminationDrainDuration: a target still gets traffic for a while after it starts to drain",
      "Enable the load balancer controller's pod readiness gate, so that new pods join before old ones leave",
    ],
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await openServedService(stack)
    const gateway = await gatewayUnderFault(stack)
    const [leaving] = await gateway.readyPods()
    const address = String(leaving?.status?.podIP)
    const front = await theGateway(stack)
    const port = balancedPorts(front).find(({ target }) => target !== front.statusPort)?.port
    if (port === undefined) throw new DoesNotApply('The gateway listens on no port for HTTP or HTTPS.')
    const targets = await stack.cloud.targets(port)
    if (!targets.some((target) => target.address === address))
      throw new DoesNotApply(`The NLB targets of port ${port} are instances, not pods: none drains with a pod.`)
    const before = targets.length
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/nlb-target-drain', host: service.host, watched: [gateway.watched] },
      async (traffic) => {
        const from = traffic.now
        stack.changes.willDisturb(workloadId(gateway.workloadOf(leaving!)))
        await evict(stack, leaving!)
        let goneMs = Infinity
        await stack.eventually(
          `healthy NLB targets of port ${port} without ${address}`,
          async () => {
            const states = await stack.cloud.targets(port)
            const own = states.find(({ id }) => id.startsWith(`${address}:`))
            if (own && own.state !== 'draining' && own.state !== 'unused')
              return `target ${own.id} is ${own.state}, expected draining`
            goneMs = Math.min(goneMs, traffic.now - from)
            const others = states.filter((target) => target !== own)
            const unhealthy = others.find(({ state }) => state !== 'healthy')
            if (unhealthy) return `target ${unhealthy.id} is ${unhealthy.state}: ${unhealthy.reason}`
            return others.length < before ? `${others.length} of ${before} targets exist` : undefined
          },
          'targetsHealthy',
        )
        await gateway.spreadAgain()
        stack.forgetLists()
        return { goneMs, joinedMs: traffic.now - from }
      },
    )
    const { goneMs, joinedMs } = observed.result
    measure('time until the target drained', goneMs / 1000, 's')
    measure('time until all targets were healthy', joinedMs / 1000, 's')
    expectWithin(expect, observed, stack.config.budgets['nlb-target-drain'])
    return (
      `target ${address} drained after ${(goneMs / 1000).toFixed(1)} s, ` +
      `all targets were healthy after ${(joinedMs / 1000).toFixed(1)} s; ${describeCost(observed)}`
    )
  },
)
