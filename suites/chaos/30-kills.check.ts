import { coldRequests } from '../../src/chaos/cold-requests.ts'
import { throughFault } from '../../src/chaos/experiment.ts'
import { killAll, killPod, readyPodsOf, takeAway } from '../../src/chaos/faults.ts'
import { gatewayDeployment } from '../../src/chaos/gateway.ts'
import { loseQueueProxy } from '../../src/chaos/queue-proxy.ts'
import { podsWatched, served, SwitchedService } from '../../src/chaos/served.ts'
import { check } from '../../src/check/check.ts'
import { deadline } from '../../src/check/deadlines.ts'
import { StackFailure } from '../../src/check/problem.ts'
import { sendConcurrently, sendFor } from '../../src/load/traffic.ts'
import { Autoscaler } from '../../src/stack/autoscaler.ts'
import { coldService } from '../../src/stack/cold-service.ts'
import { SERVICE } from '../../src/stack/knative-kinds.ts'
import { ACCEPTED, refusalOf } from '../../src/stack/kube-errors.ts'
import { cost, expectWithin } from './within-budget.ts'

const KILL = {
  level: 'required',
  effect: 'disrupts',
  within: 'faultCheck',
  requires: ['k6'],
  needs: ['knative/hello-through-lb', 'mesh/proxies-synced'],
} as const

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
  'chaos/kill-autoscaler',
  {
    ...KILL,
    asserts: 'without an autoscaler serving goes on at its scale; once it is back it scales again',
    guide: '8',
    remedy:
      "see the autoscaler's log, and its lease in knative-serving: a new pod scales only once it has the lease of the old",
  },
  async ({ stack, expect, measure, attach, signal }) => {
    const service = await served(stack)
    const namespace = await stack.knative.namespace('rescaled')
    const rescaled = await stack.knative.service(namespace, 'rescaled', {
      scaling: { window: '6s', target: '1', 'max-scale': '3', 'min-scale': '1' },
    })
    const autoscaler = new Autoscaler(stack, rescaled)
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/kill-autoscaler', host: service.host, watched: [podsWatched(service)] },
      async (traffic) => {
        const away = await takeAway(stack, 'knative-serving/autoscaler')
        await traffic.untilInARow('traffic without an autoscaler', 100, ({ status }) => status === 200, 'steady')
        await away.back()
      },
    )
    const fewest = Math.min(...(observed.snapshots[0] ?? []).map(({ objects }) => podsWatched(service).count(objects)))
    expect(fewest, 'fewest pods Ready at any moment, of the 2 that there were').toBe(2)
    expectWithin(expect, observed, stack.config.budgets['kill-autoscaler'])
    const began = performance.now()
    const enough = new AbortController()
    const busy = sendFor(4, 60, AbortSignal.any([signal, enough.signal]), () =>
      stack.ingress.send({ host: rescaled.host, path: '/?sleep=500' }),
    )
    const pods = await autoscaler.untilPods(2, 'scale').finally(() => enough.abort())
    await busy
    measure('time until it scaled again', (performance.now() - began) / 1000, 's')
    expect(
      pods.length,
      'pods of a Service with 4 requests at once and a target of 1, once the autoscaler was back',
    ).toBeGreaterThanOrEqual(2)
    return `2 pods served throughout; ${cost(observed)}; afterwards it scaled to ${pods.length} pods`
  },
)

check(
  'chaos/kill-istiod',
  {
    ...KILL,
    asserts: 'without istiod traffic goes on; a change made meanwhile is applied once it is back',
    guide: '11',
    remedy:
      'proxies keep what they were last told, and ask again within half a minute: see istioctl proxy-status, and whether istiod has two pods and a budget',
  },
  async ({ stack, expect, measure, attach }) => {
    const switched = await SwitchedService.of(stack)
    const gateways = await stack.istio.gatewayPods()
    await stack.ingress.until({ host: switched.host }, ({ headers }) => headers['x-version'] === 'v1')
    const deployment = await stack.istio.deployment()
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/kill-istiod', host: switched.host },
      async (traffic) => {
        const away = await takeAway(stack, deployment)
        const goneAt = traffic.now
        await switched.choose('v2')
        await traffic.untilInARow('traffic without istiod', 60, ({ status }) => status === 200, 'steady')
        const madeAt = traffic.now
        await away.back()
        await traffic.untilInARow(
          'answers by v2, chosen while istiod was away',
          60,
          ({ version }) => version === 'v2',
          'proxiesBack',
        )
        return { goneAt, madeAt }
      },
    )
    await stack.istio.untilSynced(gateways.length, 'componentAvailable')
    const { goneAt, madeAt } = observed.result
    const meanwhile = observed.samples.filter(({ due }) => due > goneAt && due < madeAt)
    const lastOld = observed.samples.findLast(({ version }) => version === 'v1')
    const appliedMs = (lastOld?.due ?? madeAt) - madeAt
    measure('time until the change was applied', appliedMs / 1000, 's')
    expect(
      [...new Set(meanwhile.map(({ version }) => version))],
      'versions that answered while istiod was away',
    ).toEqual(['v1'])
    expectWithin(expect, observed, stack.config.budgets['kill-istiod'])
    return `${meanwhile.length} requests without istiod, all by what was there; the change was applied ${(appliedMs / 1000).toFixed(1)} s after it came back; ${cost(observed)}`
  },
)

check(
  'chaos/kill-webhook',
  {
    ...KILL,
    asserts:
      "without Knative's webhook changes are refused with a clear error and nothing is half applied; serving goes on",
    guide: '8',
    remedy:
      "see failurePolicy of webhook.serving.knative.dev: Ignore lets unchecked objects in; and whether the webhook's pods came back",
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await served(stack)
    const { name, namespace } = service
    const change = { metadata: { labels: { changed: 'yes' } } }
    const before = await stack.k8s.get(SERVICE, name, namespace)
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/kill-webhook', host: service.host, watched: [podsWatched(service)] },
      async (traffic) => {
        const away = await takeAway(stack, 'knative-serving/webhook')
        const refusal = await refusalOf(stack.k8s.patch({ kind: SERVICE, name, namespace }, change))
        await traffic.untilInARow('traffic without the webhook', 60, ({ status }) => status === 200, 'steady')
        const after = await stack.k8s.get(SERVICE, name, namespace)
        await away.back()
        return { refusal, after }
      },
    )
    const { refusal, after } = observed.result
    expect(refusal, 'what a change is refused with, without a webhook').toMatch(/webhook/)
    expect(after.metadata?.generation, "the Service's generation after the refused change").toBe(
      before.metadata?.generation,
    )
    expect(after.metadata?.labels?.changed, 'the label that the refused change would have set').toBeUndefined()
    const accepted = async () => {
      const said = await refusalOf(stack.k8s.patch({ kind: SERVICE, name, namespace }, change, { dryRun: true }))
      return said === ACCEPTED ? undefined : said
    }
    await stack.eventually('a change being accepted again', accepted, 'steady')
    expectWithin(expect, observed, stack.config.budgets['kill-webhook'])
    return `refused: ${refusal.slice(0, 160)}; nothing of it is there; ${cost(observed)}`
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
