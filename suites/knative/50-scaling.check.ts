import { autoscalerLimits } from '../../src/knative/scaling-rules.ts'
import { workloadNamespace } from '../../src/cluster/workload.ts'
import { alivePods, readyPods } from '../../src/kube/pods.ts'
import { check } from '../../src/check/check.ts'
import { sendFor } from '../../src/traffic/closed-loop.ts'
import { Autoscaler } from '../../src/knative/autoscaler.ts'
import { forSeconds } from '../../src/kube/timeline.ts'

// The shortest stable window that Knative takes, where time is not the point: 6 s.
const WINDOW = { window: '6s' }

check(
  'knative/initial-scale',
  {
    asserts: 'a revision with initial-scale 3 has 3 pods before it is Ready',
    guide: '4',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-ready'],
    remedy:
      "see whether the autoscaler's log has the revision, and whether three pods find room; initial-scale is heeded only when a revision is made",
  },
  async ({ stack, expect, measure }) => {
    const namespace = await workloadNamespace(stack, 'initial')
    const autoscaler = new Autoscaler(stack, { namespace, revision: 'initial-00001' })
    const { snapshots } = await autoscaler.podsWhile(() =>
      stack.knative.service(namespace, 'initial', { scaling: { 'initial-scale': '3' } }),
    )
    const most = Math.max(...snapshots.map(({ objects }) => readyPods(objects).length))
    measure('Ready pods when the revision became so', most, 'pods')
    expect(most, 'Ready pods of initial-00001 until its Service became Ready').toBe(3)
    return `${most} pods were Ready before the Service was`
  },
)

check(
  'knative/min-max-scale',
  {
    asserts: 'min-scale holds with no traffic; max-scale holds under load',
    guide: '4,6',
    level: 'required',
    effect: 'writes',
    within: 'scalingCheck',
    needs: ['knative/hello-through-lb'],
    remedy:
      "the PodAutoscaler's annotations and status say what the autoscaler was told and wants; min-scale is ignored for a revision that nothing routes to",
  },
  async ({ stack, expect, measure, signal }) => {
    const namespace = await workloadNamespace(stack, 'bounds')
    const scaling = { ...WINDOW, 'min-scale': '2', 'max-scale': '3', target: '1' }
    const service = await stack.knative.service(namespace, 'bounds', { scaling })
    const autoscaler = new Autoscaler(stack, service)
    await autoscaler.untilPods(2)
    // A stable window and two decisions: without min-scale a pod would go.
    const idle = await autoscaler.podsWhile(forSeconds(10, signal))
    const fewest = Math.min(...idle.snapshots.map(({ objects }) => readyPods(objects).length))
    measure('fewest pods with no traffic', fewest, 'pods')
    expect(fewest, 'fewest Ready pods in 10 s without traffic, with min-scale 2').toBe(2)

    const { host } = service
    await stack.ingress.until({ host }, (answer) => answer.status === 200)
    const busy = await autoscaler.desiredScaleWhile(() =>
      autoscaler.podsWhile(() => sendFor(8, 9, signal, () => stack.ingress.send({ host, path: '/?sleep=200' }))),
    )
    const { snapshots, result: traffic } = busy.result
    const most = Math.max(...snapshots.map(({ objects }) => alivePods(objects).length))
    const wanted = Math.max(...busy.changes.map(({ desired }) => desired))
    measure('most pods under load', most, 'pods')
    measure('most pods wanted', wanted, 'pods')
    expect(traffic.failures, `answers that are not 200, of ${traffic.sent} with 8 at once`).toEqual({})
    expect(wanted, 'most pods wanted while 8 requests at once ask for 12, with max-scale 3').toBe(3)
    expect(most, 'most pods at once, with max-scale 3').toBe(3)
    return `without traffic never under ${fewest} pods; under load ${most} and never more (${traffic.sent} requests, none failed)`
  },
)

check(
  'knative/concurrency-limit',
  {
    asserts:
      'containerConcurrency n: the container never sees more than n requests at once (it counts), the rest wait and none is lost',
    guide: '4',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-through-lb'],
    remedy:
      "see the revision's spec.containerConcurrency and that queue-proxy is in the pod; target is only what the autoscaler aims at, and caps nothing",
  },
  async ({ stack, expect, measure, signal }) => {
    const namespace = await workloadNamespace(stack, 'limit')
    const scaling = { 'min-scale': '1', 'max-scale': '1' }
    const { host } = await stack.knative.service(namespace, 'limit', { containerConcurrency: 2, scaling })
    await stack.ingress.until({ host }, (answer) => answer.status === 200)
    const traffic = await sendFor(12, 4, signal, () =>
      stack.ingress.send({ host, path: '/?sleep=150', within: 'coldRequest' }),
    )
    const info = JSON.parse((await stack.ingress.send({ host, path: '/info' })).body) as { most: number; total: number }
    measure('most requests at once in the container', info.most, 'requests')
    measure('requests sent, 12 at once', traffic.sent, 'requests')
    expect(traffic.failures, `answers that are not 200, of ${traffic.sent} sent 12 at once`).toEqual({})
    expect(info.total, 'requests that the container counted, against those sent').toBeGreaterThanOrEqual(traffic.sent)
    expect(
      info.most,
      'most requests that the container saw at once, with containerConcurrency 2 and 12 sent at once',
    ).toBe(2)
    return `12 at once, ${traffic.sent} requests: the container saw at most ${info.most} at once, none was lost`
  },
)

check(
  'knative/scale-to-zero',
  {
    asserts: 'no pod after stable window and grace, and not before the retention period ends',
    guide: '4,8',
    level: 'required',
    effect: 'writes',
    within: 'scalingCheck',
    needs: ['knative/hello-through-lb'],
    remedy:
      "see enable-scale-to-zero in config-autoscaler, a min-scale on the revision, and whether the activator answers the autoscaler's probe",
  },
  async ({ stack, expect, measure }) => {
    const { graceSeconds } = await autoscalerLimits(stack)
    const { idleSeconds } = await stack.knative.idle()
    const [window, retention] = [6, 10]
    measure('time from the last request to no pod', idleSeconds, 's')
    // Two seconds each way: the autoscaler decides every 2 s.
    expect(
      idleSeconds,
      `seconds from the last request to no pod, with a window of ${window} s and a retention of ${retention} s`,
    ).toBeGreaterThanOrEqual(window + retention - 2)
    const latest = window + Math.max(graceSeconds, retention) + 15
    expect(
      idleSeconds,
      `the same, at most window ${window} s + grace ${graceSeconds} s + 15 s for its decisions and the deletion`,
    ).toBeLessThanOrEqual(latest)
    return `no pod ${idleSeconds.toFixed(1)} s after the last request (window ${window} s, retention ${retention} s, grace ${graceSeconds} s)`
  },
)

check(
  'knative/scale-rates',
  {
    asserts: 'max-scale-up-rate and max-scale-down-rate bound each step',
    guide: '4',
    level: 'recommended',
    effect: 'writes',
    within: 'scalingCheck',
    needs: ['knative/hello-ready', 'knative/autoscaler-config'],
    remedy: 'both are keys of config-autoscaler alone and above 1; as an annotation they are taken and ignored',
  },
  async ({ stack, expect, measure }) => {
    const { maxDownRate, maxUpRate } = await autoscalerLimits(stack)
    const namespace = await workloadNamespace(stack, 'rates')
    const autoscaler = new Autoscaler(stack, { namespace, revision: 'rates-00001' })
    const { changes } = await autoscaler.desiredScaleWhile(async () => {
      await stack.knative.service(namespace, 'rates', { scaling: { ...WINDOW, 'initial-scale': '5' } })
      await autoscaler.untilPods(0, 'scaleToZero')
    })
    const steps = changes.map(({ desired }) => desired)
    measure('steps on the way down', steps.length - 1, 'steps')
    expect(steps[0], `pods wanted at first (${steps.join(', ')})`).toBe(5)
    expect(steps.at(-1), `pods wanted at last (${steps.join(', ')})`).toBe(0)
    for (const [at, to] of steps.slice(1).entries()) {
      const from = steps[at] ?? 0
      // The last pod goes by scale-to-zero, which no rate bounds.
      if (from > 1)
        expect(
          to,
          `from ${from} pods, with max-scale-down-rate ${maxDownRate} (${steps.join(', ')})`,
        ).toBeGreaterThanOrEqual(Math.floor(from / maxDownRate))
      expect(to, `from ${from} pods, with max-scale-up-rate ${maxUpRate} (${steps.join(', ')})`).toBeLessThanOrEqual(
        Math.ceil(Math.max(1, from) * maxUpRate),
      )
    }
    return `${steps.join(' -> ')} pods wanted, with a down rate of ${maxDownRate}`
  },
)
