import { workloadNamespace } from '../../src/cluster/workload.ts'
import { check } from '../../src/check/check.ts'
import { describeAnswer } from '../../src/traffic/http.ts'
import { tuneSetting } from '../../src/knative/tune-setting.ts'
import { RoutePatch } from '../../src/knative/route-patch.ts'
import { countAnswers } from '../../src/rollout/versions-served.ts'

check(
  'knative/route-timeout-patch',
  {
    asserts:
      "an EnvoyFilter in the gateway's namespace sets a timeout of 5 s and retries on the routes of one host, " +
      'and its removal restores the old behavior',
    guide: '12',
    level: 'recommended',
    effect: 'tunes',
    needs: ['knative/hello-through-lb', 'mesh/crds'],
    remedy: [
      "Create the EnvoyFilter in the gateway's namespace: in Knative's it has no effect on the gateway",
      'Match the name of the route configuration, which istioctl proxy-config routes shows: http.8080 for example',
      'Set route.retry_policy.num_retries: Envoy silently drops route.retries, which the guide uses',
    ],
  },
  async ({ stack, expect, measure }) => {
    const patch = await RoutePatch.create(stack)
    // The guide's filter stays in place throughout: the last steps show that it has no effect.
    await patch.applyGuides()
    expect(await patch.tries(), 'Without the EnvoyFilter, tries of a request that gets 503').toBe(1)
    await patch.apply({ timeout: '5s', retries: 2 })
    expect(await patch.tries(), 'With the EnvoyFilter (2 retries), tries of a request that gets 503').toBe(3)
    const slow = await patch.slow(8000)
    expect(slow.status, `With the EnvoyFilter (timeout 5 s), request of 8 s (${describeAnswer(slow)}), status`).toBe(
      504,
    )
    measure('time until the slow request was cut', slow.ms / 1000, 's')
    expect(slow.ms, 'With the EnvoyFilter (timeout 5 s), milliseconds until the 504').toBeGreaterThan(4500)
    expect(slow.ms, 'With the EnvoyFilter (timeout 5 s), milliseconds until the 504').toBeLessThan(7500)
    await patch.remove()
    expect(await patch.tries(), 'After the removal of the EnvoyFilter, tries of a request that gets 503').toBe(1)
    const again = await patch.slow(6000)
    expect(
      again.status,
      `After the removal of the EnvoyFilter, request of 6 s (${describeAnswer(again)}), status`,
    ).toBe(200)
    return (
      `with the EnvoyFilter 504 after ${(slow.ms / 1000).toFixed(1)} s and 3 tries, ` +
      `without it 200 after ${(again.ms / 1000).toFixed(1)} s and 1 try; ` +
      `the guide's filter in ${await stack.knative.namespace()} had no effect`
    )
  },
)

check(
  'knative/tag-header-routing',
  {
    asserts: 'with tag-header-based-routing, the header Knative-Serving-Tag selects the tagged revision',
    guide: '7',
    level: 'recommended',
    effect: 'tunes',
    needs: ['knative/hello-through-lb'],
    remedy: [
      'Set tag-header-based-routing: enabled in config-features',
      "Check that the tag is one of the Service's spec.traffic",
    ],
  },
  async ({ stack, expect, signal }) => {
    await tuneSetting(stack, 'config-features', { 'tag-header-based-routing': 'enabled' })
    const namespace = await workloadNamespace(stack, 'tagged')
    const scaling = { 'min-scale': '1' }
    const first = await stack.knative.service(namespace, 'tagged', { scaling, env: { VERSION: 'v1' } })
    const traffic = [
      { revisionName: first.revision, percent: 100 },
      { latestRevision: true, percent: 0, tag: 'next' },
    ]
    const { host } = await stack.knative.service(namespace, 'tagged', { scaling, env: { VERSION: 'v2' }, traffic })
    const tagged = { host, headers: { 'knative-serving-tag': 'next' } }
    await stack.ingress.until({ ...tagged, within: 'coldRequest' }, ({ headers }) => headers['x-version'] === 'v2')
    expect(
      await countAnswers(stack, tagged, 50, signal),
      'Header Knative-Serving-Tag: next, answers by version',
    ).toEqual({ v2: 50 })
    expect(
      await countAnswers(stack, { host }, 50, signal),
      'No header Knative-Serving-Tag, answers by version',
    ).toEqual({ v1: 50 })
    const other = { host, headers: { 'knative-serving-tag': 'nobodys' } }
    expect(
      await countAnswers(stack, other, 50, signal),
      'Header Knative-Serving-Tag: nobodys (unknown), answers by version',
    ).toEqual({
      v1: 50,
    })
    return 'with the tag v2 answered 50 of 50 requests; without it, and with an unknown tag, v1 answered all'
  },
)
