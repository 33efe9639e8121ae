import { check } from '../../src/check/check.ts'
import { Canary } from '../../src/rollout/canary.ts'
import { failuresOf } from '../../src/traffic/samples.ts'
import { exportsMetric, requestsOfQueueProxies } from '../../src/knative/revision-metrics.ts'
import { shareBounds } from '../../src/rollout/shares.ts'
import { countAnswers } from '../../src/rollout/versions-served.ts'
import { expectShare } from './expect-share.ts'

check(
  'rollout/counted',
  {
    asserts: "each revision's queue-proxy counts the requests that it got, under this version's metric name",
    guide: '6',
    level: 'recommended',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['knative/hello-through-lb'],
    remedy: [
      'From Knative 1.19 on, set request-metrics-protocol: prometheus in config-observability',
      'Replace knative_revision_request_count in dashboards: the guide names it, but Knative never exported it',
    ],
  },
  async ({ stack, expect, signal }) => {
    const canary = await Canary.start(stack, 'counted')
    await canary.release({ VERSION: 'v2' })
    await canary.setShare(50)
    await Promise.all(
      ['v1', 'v2'].map((version) =>
        stack.ingress.until(
          { host: canary.host, within: 'coldRequest' },
          ({ headers }) => headers['x-version'] === version,
          'coldRequest',
          { inARow: 1 },
        ),
      ),
    )
    expect(!(await exportsMetric(stack, canary, 'knative_revision_request_count'))).toHold(
      'a queue-proxy exports knative_revision_request_count, which no version of Knative has',
    )
    const revisions = { v1: canary.stable, v2: canary.newest }
    const before = await requestsOfQueueProxies(stack, canary.namespace, Object.values(revisions))
    const sent = await countAnswers(stack, { host: canary.host }, 200, signal)
    const after = await requestsOfQueueProxies(stack, canary.namespace, Object.values(revisions))
    const counted = Object.fromEntries(
      Object.entries(revisions).map(([version, revision]) => [
        version,
        (after.counts[revision] ?? 0) - (before.counts[revision] ?? 0),
      ]),
    )
    expect(counted, `${after.metric} of each version's queue-proxy, with the answers by version`).toEqual(sent)
    const counts = Object.entries(counted).map(([version, count]) => `${version} ${count}`)
    return `${after.metric} counted ${counts.join(', ')}, the same as the 200 answers`
  },
)

check(
  'rollout/canary-steps',
  {
    asserts:
      'a canary at 5, 20, 50 and 100 % gets its share of traffic at each step, ' +
      'and its success rate and p95 are within the limits',
    guide: '7',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['knative/hello-through-lb'],
    remedy: [
      "Compare the weights of the Service's VirtualService with its spec.traffic",
      "If the gate aborted, check the new revision's errors and latencies",
    ],
  },
  async ({ stack, expect, signal, measure }) => {
    const canary = await Canary.start(stack, 'canary-steps')
    await canary.release({ VERSION: 'v2' })
    const shares: string[] = []
    for (const step of [5, 20, 50, 100]) {
      const { samples } = await canary.moveTo(step)
      expect(failuresOf(samples), `Failed requests of ${samples.length} during the change to ${step} %`).toEqual({})
      const { served, verdict, p95Ms } = await canary.judge(step, signal)
      shares.push(`at ${step} % ${expectShare(expect, served)}`)
      expect(verdict, `Canary at ${step} %, decision of the gate`).toEqual({ go: 'promote' })
      measure(`p95 of the new version at ${step} %`, p95Ms, 'ms')
    }
    return shares.join('; ')
  },
)

check(
  'rollout/canary-abort',
  {
    asserts:
      'the gate aborts a canary at 5 % that fails half of its requests, all traffic goes back to the old version, ' +
      'and no more requests fail than its share',
    guide: '7',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['knative/hello-through-lb'],
    remedy: [
      'Check the answers of the new revision: half of them must be 500',
      "Compare the weights of the Service's VirtualService with its spec.traffic",
    ],
  },
  async ({ stack, expect, signal, measure }) => {
    const canary = await Canary.start(stack, 'canary-abort')
    await canary.release({ VERSION: 'v2', FAIL_SHARE: '0.5' })
    await canary.setShare(5)
    const { samples, decision, sentBack } = await canary.watch(signal)
    expect(decision, 'Canary that fails half of its requests, decision of the gate').toMatchObject({
      go: 'abort',
      by: 'failures',
    })
    const failed = Object.values(failuresOf(samples)).reduce((sum, count) => sum + count, 0)
    const [, most] = shareBounds(0.05 * 0.5, sentBack.before)
    expect(failed <= most).toHold(
      `${failed} of ${samples.length} requests failed, ${sentBack.before} of them sent before the traffic was back; ` +
        `half of 5 % fail, at most ${most} are within the 99.9 % interval`,
    )
    const later = samples.filter(({ due }) => due > sentBack.at)
    expect(failuresOf(later), `Failed requests of ${later.length} after the traffic was back`).toEqual({})
    measure('failed requests until it was sent back', failed, 'requests')
    measure('time until it was caught', sentBack.caughtAt / 1000, 's')
    return (
      `the gate aborted after ${(sentBack.caughtAt / 1000).toFixed(1)} s ` +
      `(${decision.go === 'abort' ? decision.why : ''}); ` +
      `${failed} of ${samples.length} requests failed, none after the traffic was back`
    )
  },
)
