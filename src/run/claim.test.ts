import { describe, expect, test } from 'vitest'
import type { Check } from '../check/check.ts'
import type { Effect } from '../core/record.ts'
import { journalFile, type RunInfo } from '../config/run-info.ts'
import { stackSchema } from '../config/stack-schema.ts'
import { Journal } from '../cluster/journal.ts'
import { answer, CORE, fakeApi } from '../../test/fake-api.ts'
import { makeRun } from '../../test/make-run.ts'
import { claimCluster, effectOfRun } from './claim.ts'

const LEASES = { resources: [{ name: 'leases', kind: 'Lease', namespaced: true }] }

/** An API with the Lease of another run, which began a minute ago, and those that are made. */
function apiWith(other: Effect, forbidden = false) {
  const objects = new Map<string, object>()
  const lease = (run: string, effect: string, seconds: number) => {
    const at = new Date(Date.now() - seconds * 1000).toISOString()
    const metadata = { labels: { 'plumbline.dev/run': run }, annotations: { 'plumbline.dev/effect': effect } }
    return { metadata, spec: { holderIdentity: 'ci-7/42', acquireTime: at, renewTime: new Date().toISOString() } }
  }
  return fakeApi((request, response) => {
    const { path, method } = request
    if (path === '/api/v1') return answer(response, CORE)
    if (path === '/apis/coordination.k8s.io/v1') return answer(response, LEASES)
    if (path.startsWith('/apis') && !path.includes('leases')) return answer(response, { message: 'none' }, 404)
    if (path === '/version') return answer(response, {})
    if (method === 'PATCH' && forbidden)
      return answer(
        response,
        { message: 'namespaces "x" is forbidden: User "ro" cannot patch resource "namespaces"' },
        403,
      )
    if (method === 'PATCH') objects.set(path, JSON.parse(request.text) as object)
    if (method === 'DELETE') for (const key of objects.keys()) if (key.startsWith(path)) objects.delete(key)
    if (method !== 'GET') return answer(response, objects.get(path) ?? {})
    if (/namespaces\/[^/]+$/.test(path)) {
      const found = objects.get(path)
      return answer(response, found ?? { message: 'not found' }, found ? 200 : 404)
    }
    const items = path.endsWith('/leases')
      ? path.includes('plumb-run-0000')
        ? [lease('r-0000', other, 60)]
        : [...objects.entries()].filter(([key]) => key.includes('/leases/')).map(([, object]) => object)
      : path.endsWith('/namespaces')
        ? [
            { metadata: { name: 'plumb-run-0000' } },
            ...[...objects.keys()]
              .filter((key) => !key.includes('/leases/'))
              .map((key) => ({ metadata: { name: key.split('/').at(-1) } })),
          ].filter(
            ({ metadata }) =>
              !request.query.get('fieldSelector') || request.query.get('fieldSelector')?.endsWith(`=${metadata.name}`),
          )
        : []
    answer(response, { metadata: { resourceVersion: '1' }, items })
  })
}

const existing = { config: stackSchema.parse({ target: 'existing' }), allowDisruption: true }
async function claim(effect: Effect, other: Effect, forbidden = false, more: Partial<RunInfo> = existing) {
  await using fake = await apiWith(other, forbidden)
  const run = makeRun([], more)
  const told: string[] = []
  const claimed = await claimCluster(fake.api, run, effect, (what) => told.push(what)).catch(
    (problem: unknown) => problem,
  )
  return { run, told, claimed, open: new Journal(journalFile(run.id)).pending() }
}

describe('two runs at once on one cluster', () => {
  test('do not both change it: the later one is refused, and leaves nothing', async () => {
    const { claimed, open } = await claim('disrupts', 'tunes')
    expect(String(claimed)).toMatch(
      /^UsageProblem: Run r-0000 of ci-7 is changing this cluster since \d\d:\d\d: wait until it ends, or run only .* --only reads,writes\.$/,
    )
    expect(open).toEqual([])
  })

  test.each<[Effect, Effect]>([
    ['writes', 'disrupts'],
    ['tunes', 'writes'],
  ])('may: %s beside %s', async (effect, other) => {
    const { claimed, run, open } = await claim(effect, other)
    expect(claimed).toBe(true)
    expect(open).toMatchObject([{ object: { name: `plumb-run-${run.id.slice(-4)}` } }])
  })
})

describe('a run without a Lease', () => {
  test('goes on where the cluster does not allow one, and says so once', async () => {
    const { claimed, told } = await claim('writes', 'reads', true)
    expect(claimed).toBe(false)
    expect(told).toEqual([expect.stringMatching(/^This run has no Lease in the cluster, so runs .*: .*namespaces/)])
  })

  test('is one that only reads, and one of a twin: it makes nothing', async () => {
    expect(await claim('reads', 'disrupts')).toMatchObject({ claimed: false, open: [], told: [] })
    const twin = { config: stackSchema.parse({ target: 'twin' }) }
    expect(await claim('tunes', 'disrupts', false, twin)).toMatchObject({ claimed: false, open: [], told: [] })
  })
})

test('the effect of a run is the most that its checks do, but for those that are skipped', () => {
  const checks = (['reads', 'writes', 'disrupts'] as const).map((effect) => ({ effect }) as Check)
  expect(effectOfRun(existing, checks)).toBe('disrupts')
  expect(effectOfRun({ ...existing, allowDisruption: false }, checks)).toBe('writes')
  expect(effectOfRun(existing, [])).toBe('reads')
})
