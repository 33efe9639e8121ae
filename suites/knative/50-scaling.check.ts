import { autoscalerLimits } from '../../src/knative/scaling-rules.ts'
import { workloadNamespace } from '../../src/cluster/workload.ts'
import { alivePods, readyPods } from '../../src/kube/pods.ts'
import { check } from '../../src/check/check.ts'
import { sendFor } from '../../src/traffic/closed-loop.ts'
import { Autoscaler } from '../../src/knative/autoscaler.ts'
import { forSeconds } from '../../src/cluster/timeline.ts'

// The shortest stable window that Knative accepts, 6 s, to keep the checks short.
const WINDOW = { window: '6s' }

check(
  'knative/initial-scale',
  {
    asserts: 'a revision with initial-scale 3 has 3 Ready pods before its Service is Ready',
    guide: '4',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-ready'],
    remedy: [
      "Check the revision's pods for Pending ones: the nodes need room for 3",
      "Look for the revision in the autoscaler's log",
      'Create a new revision after you change initial-scale: it applies only when a revision is created',
    ],
  },
  async ({ stack, expect, measure }) => {
    const namespace = await workloadNamespace(stack, 'initial')
    const autoscaler = new Autoscaler(stack, { namespace, revision: 'initial-00001' })
    const { snapshots } = await autoscaler.podsWhile(() =>
      stack.knative.service(namespace, 'initial', { scaling: { 'initial-scale': '3' } }),
    )
    const most = Math.max(...snapshots.map(({ objects }) => readyPods(objects).length))
    measure('Ready pods when the revision became so', most, 'pods')
    expect(most, `Revision ${namespace}/initial-00001, most Ready pods until its Service was Ready`).toBe(3)
    return `${most} pods were Ready before the Service was Ready`
  },
)

check(
  'knative/min-max-scale',
  {
    asserts: 'the number of pods does not fall below min-scale without traffic, nor exceed max-scale under load',
    guide: '4,6',
    level: 'required',
    effect: 'writes',
    within: 'scalingCheck',
    needs: ['knative/hello-through-lb'],
    remedy: [
      "Compare the PodAutoscaler's annotations with its status.desiredScale",
      'Check that the Route sends traffic to the revision: min-scale is ignored without it',
    ],
  },
  async ({ stack, expect, measure, signal }) => {
    const namespace = await workloadNamespace(stack, 'bounds')
    const scaling = { ...WINDOW, 'min-scale': '2', 'max-scale': '3', target: '1' }
    const service = await stack.knative.service(namespace, 'bounds', { scaling })
    const autoscaler = new Autoscaler(stack, service)
    await autoscaler.untilPods(2)
    // A stable window and two decisions of the autoscaler: without min-scale it would remove a pod.
    const idle = await autoscaler.podsWhile(forSeconds(10, signal))
    const fewest = Math.min(...idle.snapshots.map(({ objects }) => readyPods(objects).length))
    measure('fewest pods with no traffic', fewest, 'pods')
    expect(fewest, `Revision ${service.revision} with min-scale 2, fewest Ready pods in 10 s without traffic`).toBe(2)

    const { host } = service
    await stack.ingress.until({ host }, (answer) => answer.status === 200)
    const busy = await autoscaler.desiredScaleWhile(() =>
      autoscaler.podsWhile(() => sendFor(8, 9, signal, () => stack.ingress.send({ host, path: '/?sleep=200' }))),
    )
    const { snapshots, result: traffic } = busy.result
    const most = Math.max(...snapshots.map(({ objects }) => alivePods(objects).length))
    const desired = Math.max(...busy.changes.map((change) => change.desired))
    measure('most pods under load', most, 'pods')
    measure('most pods wanted', desired, 'pods')
    expect(traffic.failures, `Service bounds under load, failed requests of ${traffic.sent}`).toEqual({})
    expect(desired, `Revision ${service.revision} with max-scale 3, highest desired scale under load`).toBe(3)
    expect(most, `Revision ${service.revision} with max-scale 3, most pods under load`).toBe(3)
    return `at least ${fewest} pods when idle, at most ${most} under load; none of ${traffic.sent} requests failed`
  },
)

check(
  'knative/concurrency-limit',
  {
    asserts: 'a container never gets more concurrent requests than containerConcurrency; the others wait, none fails',
    guide: '4',
    level: 'required',
    effect: 'writes',
    needs: ['knative/hello-through-lb'],
    remedy: [
      "Check the revision's spec.containerConcurrency, and that queue-proxy runs in the pod: it enforces the limit",
      'Do not use autoscaling.knative.dev/target as a limit: it is only a goal of the autoscaler',
    ],
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
    expect(traffic.failures, `Service limit, failed requests of ${traffic.sent} with 12 concurrent`).toEqual({})
    expect(info.total, 'Service limit, requests that the container counted').toBeGreaterThanOrEqual(traffic.sent)
    expect(info.most, 'Service limit with containerConcurrency 2, most concurrent requests in the container').toBe(2)
    return `of 12 concurrent requests the container got at most ${info.most} at once; none of ${traffic.sent} failed`
  },
)

check(
  'knative/scale-to-zero',
  {
    asserts: 'an idle revision scales to zero after its stable window and retention period, within the grace period',
    guide: '4,8',
    level: 'required',
    effect: 'writes',
    within: 'scalingCheck',
    needs: ['knative/hello-through-lb'],
    remedy: [
      'Set enable-scale-to-zero: "true" in config-autoscaler, and no min-scale on the revision',
      "Check the log of the activator: it must answer the autoscaler's probe",
    ],
  },
  async ({ stack, expect, measure }) => {
    const { graceSeconds } = await autoscalerLimits(stack)
    const { idleSeconds } = await stack.knative.idle()
    const [window, retention] = [6, 10]
    measure('time from the last request to no pod', idleSeconds, 's')
    // Two seconds of tolerance: the autoscaler decides every 2 s.
    expect(
      idleSeconds,
      `Service idle (window ${window} s, retention ${retention} s), seconds from the last request to 0 pods`,
    ).toBeGreaterThanOrEqual(window + retention - 2)
    // 15 s for the autoscaler's decisions and the deletion of the pod.
    const latest = window + Math.max(graceSeconds, retention) + 15
    expect(
      idleSeconds,
      `Service idle (window ${window} s, grace ${graceSeconds} s), seconds from the last request to 0 pods`,
    ).toBeLessThanOrEqual(latest)
    const periods = `window ${window} s, retention ${retention} s, grace ${graceSeconds} s`
    return `the last pod was gone ${idleSeconds.toFixed(1)} s after the last request (${periods})`
  },
)

check(
  'knative/scale-rates',
  {
    asserts: 'no scaling step exceeds max-scale-up-rate or max-scale-down-rate',
    guide: '4',
    level: 'recommended',
    effect: 'writes',
    within: 'scalingCheck',
    needs: ['knative/hello-ready', 'knative/autoscaler-config'],
    remedy: ['Set both rates in config-autoscaler to more than 1: Knative ignores them as annotations'],
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
    const course = `Revision ${namespace}/rates-00001 (desired scale ${steps.join(' -> ')})`
    expect(steps[0], `${course}, first desired scale`).toBe(5)
    expect(steps.at(-1), `${course}, last desired scale`).toBe(0)
    for (const [at, to] of steps.slice(1).entries()) {
      const from = steps[at] ?? 0
      // Scale-to-zero removes the last pod, without a rate.
      if (from > 1)
        expect(to, `${course}, step from ${from} with max-scale-down-rate ${maxDownRate}`).toBeGreaterThanOrEqual(
          Math.floor(from / maxDownRate),
        )
      expect(to, `${course}, step from ${from} with max-scale-up-rate ${maxUpRate}`).toBeLessThanOrEqual(
        Math.ceil(Math.max(1, from) * maxUpRate),
      )
    }
    return `the desired scale went ${steps.join(' -> ')} with max-scale-down-rate ${maxDownRate}`
  },
)
