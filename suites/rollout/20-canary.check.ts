import { check } from '../../src/check/check.ts'
import { Canary } from '../../src/rollout/canary.ts'
import { failuresOf } from '../../src/traffic/samples.ts'
import { exportsMetric, requestsOfQueueProxies } from '../../src/knative/revision-metrics.ts'
import { shareBounds } from '../../src/rollout/shares.ts'
import { answersOf, versionsOf } from '../../src/rollout/versions-served.ts'

check(
  'rollout/counted',
  {
    asserts:
      "the requests that each revision counts, under this version's metric names, are those that were sent to it",
    guide: '6',
    level: 'recommended',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['knative/hello-through-lb'],
    remedy:
      'config-observability needs request-metrics-protocol: prometheus from 1.19 on; knative_revision_request_count, as the guide has it, never existed',
  },
  async ({ stack, expect, signal }) => {
    const canary = await Canary.start(stack, 'counted')
    await canary.release({ VERSION: 'v2' })
    await canary.share(50)
    await Promise.all(
      ['v1', 'v2'].map((version) =>
        stack.ingress.until(
          { host: canary.host, within: 'coldRequest' },
          ({ headers }) => headers['x-version'] === version,
          'coldRequest',
          1,
        ),
      ),
    )
    expect(
      await exportsMetric(stack, canary, 'knative_revision_request_count'),
      "whether any queue-proxy exports the guide's knative_revision_request_count",
    ).toBe(false)
    const revisions = { v1: canary.stable, v2: canary.newest }
    const before = await requestsOfQueueProxies(stack, canary.namespace, Object.values(revisions))
    const sent = versionsOf(await answersOf(stack, expect, { host: canary.host }, 200, signal))
    const after = await requestsOfQueueProxies(stack, canary.namespace, Object.values(revisions))
    const counted = Object.fromEntries(
      Object.entries(revisions).map(([version, revision]) => [
        version,
        (after.counts[revision] ?? 0) - (before.counts[revision] ?? 0),
      ]),
    )
    expect(
      counted,
      `requests by ${after.metric} of each revision's queue-proxy, against the answers by x-version`,
    ).toEqual(sent)
    return `${after.metric}: ${Object.entries(counted)
      .map(([version, count]) => `${version} ${count}`)
      .join(', ')}, as the 200 answers say`
  },
)

check(
  'rollout/canary-steps',
  {
    asserts: 'a canary at 5, 20, 50 and 100 %: each share within its bounds, and its success rate and p95 let it go on',
    guide: '7',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['knative/hello-through-lb'],
    remedy:
      "compare the weights of the Service's VirtualService with its traffic; where the gate stopped it, look at the new revision's own errors and latencies",
  },
  async ({ stack, expect, signal, measure }) => {
    const canary = await Canary.start(stack, 'canary-steps')
    await canary.release({ VERSION: 'v2' })
    const seen: string[] = []
    for (const step of [5, 20, 50, 100]) {
      const { samples } = await canary.moveTo(step)
      expect(failuresOf(samples), `failed requests of ${samples.length} during the change to ${step} %`).toEqual({})
      const { share, verdict, p95Ms } = await canary.judge({ stack, expect, signal }, step)
      expect(verdict, `what the gate says at ${step} %`).toEqual({ go: 'promote' })
      measure(`p95 of the new version at ${step} %`, p95Ms, 'ms')
      seen.push(`${step} %: ${share}`)
    }
    return `v2 answered ${seen.join('; ')}`
  },
)

check(
  'rollout/canary-abort',
  {
    asserts:
      'a version that fails half its requests is caught at 5 %, traffic goes back, and no more fail than its share',
    guide: '7',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['knative/hello-through-lb'],
    remedy: "look at the new revision's answers: without failures to see, it is the gate that is wrong",
  },
  async ({ stack, expect, signal, measure }) => {
    const canary = await Canary.start(stack, 'canary-abort')
    await canary.release({ VERSION: 'v2', FAIL_SHARE: '0.5' })
    await canary.share(5)
    const { samples, decision, sentBack } = await canary.watch(signal)
    expect(decision, 'what the gate says of a version that fails half its requests').toMatchObject({
      go: 'abort',
      by: 'failures',
    })
    const failed = Object.values(failuresOf(samples)).reduce((sum, count) => sum + count, 0)
    const [, most] = shareBounds(0.05 * 0.5, sentBack.before)
    expect(
      failed,
      `failed requests of ${samples.length}, ${sentBack.before} of them before all went back (half of 5 % is at most ${most} but once in a thousand runs)`,
    ).toBeLessThanOrEqual(most)
    expect(failuresOf(samples.filter(({ due }) => due > sentBack.at)), 'failed requests once traffic was back').toEqual(
      {},
    )
    measure('failed requests until it was sent back', failed, 'requests')
    measure('time until it was caught', sentBack.caughtAt / 1000, 's')
    return `caught after ${(sentBack.caughtAt / 1000).toFixed(1)} s (${decision.go === 'abort' ? decision.why : ''}); ${failed} of ${samples.length} requests failed, none once traffic was back`
  },
)
