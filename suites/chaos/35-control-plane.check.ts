import { workloadNamespace } from '../../src/cluster/workload.ts'
import { throughFault } from '../../src/chaos/experiment.ts'
import { removePods } from '../../src/chaos/faults.ts'
import { openServedService, podsWatched, SwitchedService } from '../../src/chaos/served.ts'
import { check } from '../../src/check/check.ts'
import { sendFor } from '../../src/traffic/closed-loop.ts'
import { Autoscaler } from '../../src/knative/autoscaler.ts'
import { SERVICE } from '../../src/kube/kinds.ts'
import { ACCEPTED, refusalOf } from '../../src/kube/errors.ts'
import { knativeComponent, theIstiod } from '../../src/survey/surveyed.ts'
import { describeCost, expectWithin } from './within-budget.ts'
import { KILL } from './kill.ts'

check(
  'chaos/kill-autoscaler',
  {
    ...KILL,
    asserts: 'without the autoscaler Services keep their pods and serve, and once it is back it scales again',
    guide: '8',
    remedy: [
      "Check the autoscaler's log",
      'Check the leases in its namespace with kubectl get leases: a new pod scales only once it holds them',
    ],
  },
  async ({ stack, expect, measure, attach, signal }) => {
    const service = await openServedService(stack)
    const namespace = await workloadNamespace(stack, 'rescaled')
    const rescaled = await stack.knative.service(namespace, 'rescaled', {
      scaling: { window: '6s', target: '1', 'max-scale': '3', 'min-scale': '1' },
    })
    const autoscaler = new Autoscaler(stack, rescaled)
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/kill-autoscaler', host: service.host, watched: [podsWatched(service)] },
      async (traffic) => {
        const outage = await removePods(stack, await knativeComponent(stack, 'autoscaler'))
        await traffic.untilInARow('steady traffic without the autoscaler', 60, ({ status }) => status === 200, 'steady')
        await outage.restore()
      },
    )
    const fewest = Math.min(...(observed.snapshots[0] ?? []).map(({ objects }) => podsWatched(service).count(objects)))
    expect(fewest, `Service ${service.name} (2 pods) without the autoscaler, fewest Ready pods`).toBe(2)
    expectWithin(expect, observed, stack.config.budgets['kill-autoscaler'])
    const began = performance.now()
    const scaled = new AbortController()
    const busy = sendFor(4, 60, AbortSignal.any([signal, scaled.signal]), () =>
      stack.ingress.send({ host: rescaled.host, path: '/?sleep=500' }),
    )
    const pods = await autoscaler.untilPods(2, 'scale').finally(() => scaled.abort())
    await busy
    measure('time until it scaled again', (performance.now() - began) / 1000, 's')
    expect(
      pods.length,
      `Service ${rescaled.name} (4 concurrent requests, target 1), pods once the autoscaler was back`,
    ).toBeGreaterThanOrEqual(2)
    return `2 pods served without the autoscaler; ${describeCost(observed)}; later it scaled to ${pods.length} pods`
  },
)

check(
  'chaos/kill-istiod',
  {
    ...KILL,
    asserts: 'without istiod traffic continues, and a change made meanwhile takes effect once it is back',
    guide: '11',
    needs: [...KILL.needs, 'mesh/proxies-synced'],
    remedy: [
      'Look for proxies that are not SYNCED in istioctl proxy-status: they reconnect within 30 s',
      'Run two istiod pods with a PodDisruptionBudget',
    ],
  },
  async ({ stack, expect, measure, attach }) => {
    const switched = await SwitchedService.create(stack)
    const gateways = await stack.istio.gatewayPods()
    await stack.ingress.until({ host: switched.host }, ({ headers }) => headers['x-version'] === 'v1')
    const { workload } = await theIstiod(stack)
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/kill-istiod', host: switched.host },
      async (traffic) => {
        const outage = await removePods(stack, workload)
        const goneAt = traffic.now
        await switched.choose('v2')
        await traffic.untilInARow('steady traffic without istiod', 60, ({ status }) => status === 200, 'steady')
        const madeAt = traffic.now
        await outage.restore()
        await traffic.untilInARow(
          'answers of v2 only, selected while istiod was down',
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
      'Versions that answered while istiod was down',
    ).toEqual(['v1'])
    expectWithin(expect, observed, stack.config.budgets['kill-istiod'])
    return (
      `v1 answered all ${meanwhile.length} requests without istiod; the change took effect ` +
      `${(appliedMs / 1000).toFixed(1)} s after it came back; ${describeCost(observed)}`
    )
  },
)

check(
  'chaos/kill-webhook',
  {
    ...KILL,
    asserts: "without Knative's webhook the API server refuses changes and applies no part, and traffic continues",
    guide: '8',
    remedy: [
      'Set failurePolicy: Fail in webhook.serving.knative.dev: Ignore accepts unchecked objects',
      "Check that the webhook's pods are Ready again",
    ],
  },
  async ({ stack, expect, measure, attach }) => {
    const service = await openServedService(stack)
    const { name, namespace } = service
    const change = { metadata: { labels: { changed: 'yes' } } }
    const before = await stack.k8s.get(SERVICE, name, namespace)
    const observed = await throughFault(
      { stack, attach, measure },
      { name: 'chaos/kill-webhook', host: service.host, watched: [podsWatched(service)] },
      async (traffic) => {
        const outage = await removePods(stack, await knativeComponent(stack, 'webhook'))
        const refusal = await refusalOf(stack.k8s.patch({ kind: SERVICE, name, namespace }, change))
        await traffic.untilInARow('steady traffic without the webhook', 60, ({ status }) => status === 200, 'steady')
        const after = await stack.k8s.get(SERVICE, name, namespace)
        await outage.restore()
        return { refusal, after }
      },
    )
    const { refusal, after } = observed.result
    expect(refusal, `Change of Service ${namespace}/${name} without the webhook, response`).toMatch(/webhook/)
    expect(
      after.metadata?.generation,
      `Service ${namespace}/${name}, metadata.generation after the refused change`,
    ).toBe(before.metadata?.generation)
    expect(after.metadata?.labels?.changed === undefined).toHold(
      `Service ${namespace}/${name} has the label changed of the refused change, expected no label`,
    )
    const refusalNow = async () => {
      const response = await refusalOf(stack.k8s.patch({ kind: SERVICE, name, namespace }, change, { dryRun: true }))
      return response === ACCEPTED ? undefined : response
    }
    await stack.eventually(`acceptance of changes of Service ${namespace}/${name}`, refusalNow, 'steady')
    expectWithin(expect, observed, stack.config.budgets['kill-webhook'])
    return `the change was refused and not applied (${refusal.slice(0, 160)}); ${describeCost(observed)}`
  },
)
