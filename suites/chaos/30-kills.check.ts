import { coldRequests } from '../../src/chaos/cold-requests.ts'
import { throughFault } from '../../src/chaos/experiment.ts'
import { killAll, killPod } from '../../src/chaos/faults.ts'
import { gatewayUnderFault } from '../../src/chaos/gateway.ts'
import { stopQueueProxy } from '../../src/chaos/queue-proxy.ts'
import { openServedService, podsWatched } from '../../src/chaos/served.ts'
import { check } from '../../src/check/check.ts'
import { deadline } from '../../src/core/deadlines.ts'
import { StackFailure } from '../../src/core/problem.ts'
import { sendConcurrently } from '../../src/traffic/closed-loop.ts'
import { coldService } from '../../src/knative/cold-service.ts'
import { knativeComponent } from '../../src/survey/surveyed.ts'
import { describeCost, expectWithin } from './within-budget.ts'
import { KILL } from './kill.ts'

check(
  'chaos/kill-gateway',
  {
    ...KILL,
    asserts:
      'after one of at least two gateway pods is killed under load, failures are within the budget ' +
      'and the pod is replaced',
    guide: '4',
    needs: [...KILL.needs, 'mesh/proxies-synced'],
    remedy: [
      'Run at least two gateway pods in different zones',
      "Shorten the load balancer's health check: requests fail until it stops sending to the killed pod",
      'Raise budgets.kill-gateway in stack.yaml if that loss is acceptable',
    ],
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await openServedService(stack)
    const gateway = await gatewayUnderFault(stack)
    const { watched } = gateway
    const [first, ...others] = await gateway.readyPods()
    expect(others.length, `${gateway.name}, Ready pods besides the one to kill`).toBeGreaterThanOrEqual(1)
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/kill-gateway', host: service.host, watched: [watched] },
      async () => {
        await killPod(stack, gateway.workloadOf(first!), first!)
        await stack.until(
          watched,
          (pods) =>
            watched.count(pods) > others.length
              ? undefined
              : `${watched.count(pods)} of ${others.length + 1} gateway pods are Ready`,
          'componentAvailable',
        )
        await gateway.spreadAgain()
        stack.forgetLists()
      },
    )
    await stack.istio.untilSynced(others.length + 1, 'componentAvailable')
    expectWithin(expect, observed, stack.config.budgets['kill-gateway'])
    const seconds = ((observed.fault.to - observed.fault.from) / 1000).toFixed(1)
    return `all ${others.length + 1} gateway pods were Ready again after ${seconds} s; ${describeCost(observed)}`
  },
)

const WAITING = 10

check(
  'chaos/kill-activator',
  {
    ...KILL,
    asserts:
      'after the activators are killed, each request that waits for a cold start is answered or fails in time, ' +
      'and Services in mode Serve are not affected',
    guide: '8',
    remedy: [
      'Set timeoutSeconds in the revision if a request hangs',
      'Check the endpoints of a failing Service in mode Serve: they must be its pods, not the activators',
    ],
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await openServedService(stack)
    const cold = await coldService(stack, 'waiting', { env: { START_DELAY_MS: '6000' } })
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/kill-activator', host: service.host, watched: [podsWatched(cold)] },
      async () => {
        const waiting = await coldRequests(stack, cold, WAITING)
        await killAll(stack, await knativeComponent(stack, 'activator'))
        const answers = await waiting.settled()
        await stack.ingress.until({ host: cold.host, within: 'coldRequest' }, ({ status }) => status === 200, 'steady')
        return answers
      },
    )
    const answers = observed.result
    const answered = answers.filter(({ status }) => status === 200).length
    const slowest = Math.max(...answers.map(({ ms }) => ms))
    measure('waiting requests answered', answered, 'requests')
    measure('waiting requests failed', WAITING - answered, 'requests')
    measure('slowest of them', slowest / 1000, 's')
    // A request that ends at our own deadline hung: a real failure comes earlier.
    expect(slowest, `Requests waiting for a cold start, milliseconds until the last of ${WAITING} ended`).toBeLessThan(
      deadline('coldRequest'),
    )
    expect(answers.length, 'Requests waiting for a cold start, number that ended').toBe(WAITING)
    expectWithin(expect, observed, stack.config.budgets['kill-activator'])
    return (
      `of ${WAITING} waiting requests ${answered} got 200 and ${WAITING - answered} failed, ` +
      `the last after ${(slowest / 1000).toFixed(1)} s; in mode Serve ${describeCost(observed)}`
    )
  },
)

check(
  'chaos/kill-queue-proxy',
  {
    ...KILL,
    level: 'recommended',
    asserts:
      'a pod whose queue-proxy stops leaves the endpoints and returns with it, and failures are within the budget',
    guide: '8',
    remedy: [
      "Check the pod's readiness probe: queue-proxy must answer it",
      'Check how long the endpoint stays after the pod is no longer Ready (kubectl get endpointslices -w)',
    ],
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await openServedService(stack)
    const watched = podsWatched(service)
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/kill-queue-proxy', host: service.host, watched: [watched] },
      () => stopQueueProxy(stack, service),
    )
    measure('time until its endpoint was gone', observed.result.goneMs / 1000, 's')
    expect(
      observed.result.endpoints,
      `Revision ${service.revision} (2 pods), ready endpoints without one queue-proxy`,
    ).toBe(1)
    expectWithin(expect, observed, stack.config.budgets['kill-queue-proxy'])
    const seconds = (observed.result.goneMs / 1000).toFixed(1)
    return `the pod left the endpoints ${seconds} s after queue-proxy stopped, and returned; ${describeCost(observed)}`
  },
)

check(
  'chaos/slow-start',
  {
    asserts: 'a revision that takes 20 s to start answers all requests that waited for it',
    guide: '8',
    level: 'recommended',
    effect: 'tunes',
    within: 'faultCheck',
    needs: ['knative/hello-through-lb'],
    remedy: [
      "Raise the timeouts of the route and the gateway above the pod's start time",
      "Raise the revision's timeoutSeconds, and progress-deadline in config-deployment",
    ],
  },
  async ({ stack, expect, measure, signal }) => {
    const cold = await coldService(stack, 'slow', { env: { START_DELAY_MS: '20000' } })
    const { answers, failures } = await sendConcurrently(5, 5, signal, () =>
      stack.ingress.send({ host: cold.host, within: 'coldRequest' }),
    )
    const fastest = Math.min(...answers.map(({ ms }) => ms))
    measure('first answer', fastest / 1000, 's')
    if (fastest < 20_000)
      throw new StackFailure(
        `Service ${cold.name}: the first answer came after ${(fastest / 1000).toFixed(1)} s, expected at least 20 s; ` +
          'a pod was running already.',
      )
    expect(failures, `Service ${cold.name}, failed requests of ${answers.length} while its pod started`).toEqual({})
    return `${answers.length} requests waited at least ${(fastest / 1000).toFixed(1)} s, and all got 200`
  },
)
