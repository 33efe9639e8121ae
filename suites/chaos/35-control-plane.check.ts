import { workloadNamespace } from '../../src/cluster/workload.ts'
import { throughFault } from '../../src/chaos/experiment.ts'
import { takeAway } from '../../src/chaos/faults.ts'
import { podsWatched, served, SwitchedService } from '../../src/chaos/served.ts'
import { check } from '../../src/check/check.ts'
import { sendFor } from '../../src/traffic/closed-loop.ts'
import { Autoscaler } from '../../src/knative/autoscaler.ts'
import { SERVICE } from '../../src/kube/kinds.ts'
import { ACCEPTED, refusalOf } from '../../src/kube/errors.ts'
import { cost, expectWithin } from './within-budget.ts'
import { KILL } from './kill.ts'

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
    const namespace = await workloadNamespace(stack, 'rescaled')
    const rescaled = await stack.knative.service(namespace, 'rescaled', {
      scaling: { window: '6s', target: '1', 'max-scale': '3', 'min-scale': '1' },
    })
    const autoscaler = new Autoscaler(stack, rescaled)
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/kill-autoscaler', host: service.host, watched: [podsWatched(service)] },
      async (traffic) => {
        const away = await takeAway(stack, 'knative-serving/autoscaler')
        await traffic.untilInARow('traffic without an autoscaler', 60, ({ status }) => status === 200, 'steady')
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
