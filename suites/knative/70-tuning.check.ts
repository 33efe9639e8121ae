import { workloadNamespace } from '../../src/cluster/workload.ts'
import { check } from '../../src/check/check.ts'
import { describeAnswer } from '../../src/traffic/http.ts'
import { KNATIVE } from '../../src/kube/kinds.ts'
import { RoutePatch } from '../../src/knative/route-patch.ts'
import { versionsOf, answersOf } from '../../src/rollout/versions-served.ts'

check(
  'knative/route-timeout-patch',
  {
    asserts:
      'an EnvoyFilter beside the gateway, on its real route name and one virtual host, cuts a slow request at 5 s and retries; it wins over the VirtualService, and removed, all is as before',
    guide: '12',
    level: 'recommended',
    effect: 'tunes',
    needs: ['knative/hello-through-lb', 'mesh/crds'],
    remedy:
      "it must stand in the gateway's namespace (in knative-serving it reaches no gateway), name the route http.8080 and set route.retry_policy.num_retries: route.retries, as the guide has it, is dropped without a word",
  },
  async ({ stack, expect, measure }) => {
    const patch = await RoutePatch.on(stack)
    // It stays in place all the time, and shows in the end that it does nothing.
    await patch.applyGuides()
    expect(await patch.tries(), 'tries of a request that gets 503, before').toBe(1)
    await patch.apply({ timeout: '5s', retries: 2 })
    expect(await patch.tries(), 'tries of a request that gets 503, with two retries').toBe(3)
    const slow = await patch.slow(8000)
    expect(slow.status, `status of a request of 8 s with a timeout of 5 s (${describeAnswer(slow)})`).toBe(504)
    measure('time until the slow request was cut', slow.ms / 1000, 's')
    expect(slow.ms, 'milliseconds until it was cut').toBeGreaterThan(4500)
    expect(slow.ms, 'milliseconds until it was cut').toBeLessThan(7500)
    await patch.remove()
    expect(await patch.tries(), 'tries of a request that gets 503, after').toBe(1)
    const again = await patch.slow(6000)
    expect(again.status, `status of a request of 6 s once it was removed (${describeAnswer(again)})`).toBe(200)
    return `with it 504 after ${(slow.ms / 1000).toFixed(1)} s and 3 tries, without it 200 after ${(again.ms / 1000).toFixed(1)} s and 1 try, though the guide's own in knative-serving is there`
  },
)

check(
  'knative/tag-header-routing',
  {
    asserts: 'with tag-header-based-routing on, the header Knative-Serving-Tag reaches the tagged revision',
    guide: '7',
    level: 'recommended',
    effect: 'tunes',
    needs: ['knative/hello-through-lb'],
    remedy: "set tag-header-based-routing: enabled in config-features; the tag must be one of the Service's traffic",
  },
  async ({ stack, expect, signal }) => {
    await stack.changes.tune('v1/ConfigMap', KNATIVE, 'config-features', {
      data: { 'tag-header-based-routing': 'enabled' },
    })
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
    expect(versionsOf(await answersOf(stack, expect, tagged, 50, signal)), 'answers with the tag').toEqual({ v2: 50 })
    expect(versionsOf(await answersOf(stack, expect, { host }, 50, signal)), 'answers without it').toEqual({ v1: 50 })
    const other = { host, headers: { 'knative-serving-tag': 'nobodys' } }
    expect(versionsOf(await answersOf(stack, expect, other, 50, signal)), 'answers with a tag that is none').toEqual({
      v1: 50,
    })
    return 'with the tag v2 50 of 50 times, without it or with another v1'
  },
)
