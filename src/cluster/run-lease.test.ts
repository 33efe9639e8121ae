import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { loadKubeConfig, type SharedKubeConfig } from '../kube/connection.ts'
import { Kubernetes } from '../kube/kubernetes.ts'
import { testTwin } from '../../test/start-twin.ts'
import { stackSchema } from '../config/stack-schema.ts'
import { Journal } from './journal.ts'
import { keepLease, leaseNamespace, livingRuns, takeLease } from './run-lease.ts'
import { undoAll } from './undo.ts'

const { ours } = stackSchema.parse({})

let on: Awaited<ReturnType<typeof testTwin>>
let kubeConfig: SharedKubeConfig
let api: Kubernetes
beforeAll(async () => {
  on = await testTwin()
  const file = join(mkdtempSync(join(tmpdir(), 'plumbline-')), 'kubeconfig')
  writeFileSync(file, stringify(on.twin.kubeconfig))
  kubeConfig = loadKubeConfig(file, undefined)
  api = new Kubernetes(kubeConfig)
})
afterAll(async () => {
  await kubeConfig.close()
  await on.stop()
})

function journalOf(run: string): Journal {
  const folder = join(mkdtempSync(join(tmpdir(), 'plumbline-')), run)
  mkdirSync(folder)
  return new Journal(join(folder, 'journal.jsonl'))
}
const leaseOf = (run: string) => ({
  kind: 'coordination.k8s.io/v1/Lease',
  name: `plumbline-${run}`,
  namespace: leaseNamespace(run),
})

describe('the Lease of a run', () => {
  test('is in the journal, tells who runs and what it does, and goes with the run', async () => {
    const run = '20260101-000000-aaaa'
    const journal = journalOf(run)
    await takeLease(api, journal, { id: run, effect: 'tunes', ours })
    const [living] = await livingRuns(api)
    expect(living).toMatchObject({ run, host: hostname(), effect: 'tunes' })
    expect(living?.renewedSecondsAgo).toBeLessThan(20)
    expect(journal.pending()).toMatchObject([{ what: 'made', object: { name: 'plumb-run-aaaa' } }])
    expect(await undoAll(api, journal, () => undefined)).toEqual([])
    expect(await livingRuns(api)).toEqual([])
  })

  test('is over 30 seconds after its last renewal', async () => {
    const run = '20260101-000000-bbbb'
    const journal = journalOf(run)
    onTestFinished(() => void undoAll(api, journal, () => undefined))
    await takeLease(api, journal, { id: run, effect: 'writes', ours })
    await api.patch(leaseOf(run), {
      spec: { renewTime: new Date(Date.now() - 40_000).toISOString().replace('Z', '000Z') },
    })
    expect(await livingRuns(api)).toEqual([])
  })

  test('is renewed every 10 seconds, until the run stops that', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const patches: unknown[] = []
    const fake = {
      clock: () => Promise.resolve(new Date('2026-01-01T00:00:00Z')),
      patch: (_: unknown, change: unknown) => Promise.resolve(void patches.push(change)),
    }
    const stop = keepLease(fake as unknown as Kubernetes, 'x-cccc')
    vi.advanceTimersByTime(20_000)
    await vi.waitFor(() => expect(patches).toHaveLength(2), { timeout: 60_000 })
    expect(patches[0]).toMatchObject({ spec: { renewTime: '2026-01-01T00:00:00.000000Z' } })
    stop()
    vi.advanceTimersByTime(60_000)
    expect(patches).toHaveLength(2)
  })
})
