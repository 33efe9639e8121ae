import { coldRequests } from '../../src/chaos/cold-requests.ts'
import { throughFault } from '../../src/chaos/experiment.ts'
import { killAll, killPod, readyPodsOf } from '../../src/chaos/faults.ts'
import { gatewayDeployment } from '../../src/chaos/gateway.ts'
import { loseQueueProxy } from '../../src/chaos/queue-proxy.ts'
import { podsWatched, served } from '../../src/chaos/served.ts'
import { check } from '../../src/check/check.ts'
import { deadline } from '../../src/core/deadlines.ts'
import { StackFailure } from '../../src/core/problem.ts'
import { sendConcurrently } from '../../src/traffic/closed-loop.ts'
import { coldService } from '../../src/knative/cold-service.ts'
import { cost, expectWithin } from './within-budget.ts'
import { KILL } from './kill.ts'

check(
  'chaos/kill-gateway',
  {
    ...KILL,
    asserts:
      'one of at least two gateway pods is killed without grace under load: failures within the budget, and as many pods again',
    guide: '4',
    remedy:
      'run two gateway pods at least, in different zones; what fails is what the killed pod held and what came to it until its endpoint was gone (budgets.kill-gateway in stack.yaml)',
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await served(stack)
    const { name, watched, spreadAgain } = await gatewayDeployment(stack)
    const [first, ...others] = await readyPodsOf(stack, name)
    expect(others.length, `Ready pods of ${name} besides the one to kill`).toBeGreaterThanOrEqual(1)
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/kill-gateway', host: service.host, watched: [watched] },
      async () => {
        await killPod(stack, name, first!)
        await stack.until(
          watched,
          (pods) =>
            watched.count(pods) > others.length
              ? undefined
              : `${watched.count(pods)} of ${others.length + 1} are Ready`,
          'componentAvailable',
        )
        await spreadAgain()
        stack.forgetLists()
      },
    )
    await stack.istio.untilSynced(others.length + 1, 'componentAvailable')
    expectWithin(expect, observed, stack.config.budgets['kill-gateway'])
    return `${others.length + 1} pods again after ${((observed.fault.to - observed.fault.from) / 1000).toFixed(1)} s; ${cost(observed)}`
  },
)

const WAITING = 10

check(
  'chaos/kill-activator',
  {
    ...KILL,
    asserts:
      'the activators are killed with requests waiting at zero: each is answered in the end or fails within the deadline, none hangs; Services in Serve mode feel nothing',
    guide: '8',
    remedy:
      'a request that hangs has no timeout on its way (the revision sets timeoutSeconds); a Service in Serve mode that fails has its activators among its endpoints',
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await served(stack)
    const cold = await coldService(stack, 'waiting', { env: { START_DELAY_MS: '6000' } })
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/kill-activator', host: service.host, watched: [podsWatched(cold)] },
      async () => {
        const waiting = await coldRequests(stack, cold, WAITING)
        await killAll(stack, 'knative-serving/activator')
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
    // One that gives up at our deadline hung: a failure says so by itself, and earlier.
    expect(slowest, `milliseconds until the last of ${WAITING} waiting requests was answered or failed`).toBeLessThan(
      deadline('coldRequest'),
    )
    expect(answers.length, 'waiting requests that came to an end').toBe(WAITING)
    expectWithin(expect, observed, stack.config.budgets['kill-activator'])
    return `of ${WAITING} waiting requests ${answered} were answered and ${WAITING - answered} failed, the last after ${(slowest / 1000).toFixed(1)} s; in Serve mode ${cost(observed)}`
  },
)

check(
  'chaos/kill-queue-proxy',
  {
    ...KILL,
    level: 'recommended',
    asserts:
      'a pod that loses its queue-proxy leaves the endpoints, failures are within the budget, and it comes back with it',
    guide: '8',
    remedy:
      "see the pod's readiness probe, which asks queue-proxy, and how long its endpoint stays after it is not Ready",
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await served(stack)
    const watched = podsWatched(service)
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/kill-queue-proxy', host: service.host, watched: [watched] },
      () => loseQueueProxy(stack, service),
    )
    measure('time until its endpoint was gone', observed.result.goneMs / 1000, 's')
    expect(observed.result.endpoints, 'Ready endpoints without it, of 2').toBe(1)
    expectWithin(expect, observed, stack.config.budgets['kill-queue-proxy'])
    return `out of the endpoints ${(observed.result.goneMs / 1000).toFixed(1)} s after it was lost, back with it; ${cost(observed)}`
  },
)

check(
  'chaos/slow-start',
  {
    asserts: 'a revision that takes 20 s to be ready still serves the requests that came first, none lost',
    guide: '8',
    level: 'recommended',
    effect: 'tunes',
    within: 'faultCheck',
    needs: ['knative/hello-through-lb'],
    remedy:
      "something on the way gives up earlier than the pod is ready: the route's timeout, the gateway's, the revision's timeoutSeconds, or progress-deadline in config-deployment",
  },
  async ({ stack, expect, measure, signal }) => {
    const cold = await coldService(stack, 'slow', { env: { START_DELAY_MS: '20000' } })
    const { answers, failures } = await sendConcurrently(5, 5, signal, () =>
      stack.ingress.send({ host: cold.host, within: 'coldRequest' }),
    )
    const fastest = Math.min(...answers.map(({ ms }) => ms))
    measure('first answer', fastest / 1000, 's')
    if (fastest < 20_000)
      throw new StackFailure(`A request was answered after ${(fastest / 1000).toFixed(1)} s: a pod was there already.`)
    expect(failures, `answers that are not 200, of ${answers.length} that came while it started`).toEqual({})
    return `${answers.length} requests waited ${(fastest / 1000).toFixed(1)} s and more, none lost`
  },
)
