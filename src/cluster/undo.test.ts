import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { setDeadlineFactor } from '../core/deadlines.ts'
import { Journal } from './journal.ts'
import { notOfRun, undoAll } from './undo.ts'
import { answer, CORE, fakeApi } from '../../test/fake-api.ts'

function newJournal(): Journal {
  const folder = join(mkdtempSync(join(tmpdir(), 'plumbline-')), 'mine')
  mkdirSync(folder)
  return new Journal(join(folder, 'journal.jsonl'))
}
const settings = { kind: 'v1/ConfigMap', name: 'config-domain', namespace: 'knative-serving' }
const ours = { kind: 'v1/Namespace', name: 'plumb-x-1234' }

/** An API that notes what changes it, and holds `left` namespaces after their deletion. */
const noting = (seen: string[], left: object[] = [], refuse?: string, run = 'mine') =>
  fakeApi((request, response) => {
    if (request.path === '/api/v1') return answer(response, CORE)
    if (request.path.startsWith('/apis/')) return answer(response, { message: 'not found' }, 404)
    if (request.method !== 'GET') seen.push(`${request.method} ${request.path} ${request.text}`.trim())
    if (request.method === refuse) return answer(response, { message: 'no' }, 500)
    if (request.query.get('watch')) return response.writeHead(200).flushHeaders()
    if (/namespaces\/[^/]+$/.test(request.path) && request.method === 'GET')
      return answer(response, { kind: 'Namespace', metadata: { labels: { 'plumbline.dev/run': run } } })
    answer(response, request.method === 'GET' ? { metadata: { resourceVersion: '1' }, items: left } : {})
  })

afterEach(() => setDeadlineFactor(1))

describe('undoing', () => {
  test('restores what was changed, deletes what was made, and leaves nothing open', async () => {
    const seen: string[] = []
    await using fake = await noting(seen)
    const journal = newJournal()
    journal.changed(settings, { data: { 'example.com': '' } })
    journal.made(ours)
    expect(await undoAll(fake.api, journal, () => undefined)).toEqual([])
    expect(seen).toEqual([
      'PATCH /api/v1/namespaces/knative-serving/configmaps/config-domain {"data":{"example.com":""}}',
      'DELETE /api/v1/namespaces/plumb-x-1234',
      'DELETE /api/v1/namespaces/plumb-x-1234/pods',
    ])
    expect(journal.pending()).toEqual([])
  })

  test('deletes objects in namespaces of others first, newest first: a Secret after its Certificate', async () => {
    const seen: string[] = []
    await using fake = await noting(seen)
    const journal = newJournal()
    const at = (name: string) => ({ kind: 'v1/ConfigMap', name, namespace: 'istio-system' })
    journal.made(ours)
    journal.made(at('secret'))
    journal.made(at('certificate'))
    expect(await undoAll(fake.api, journal, () => undefined)).toEqual([])
    expect(seen.map((line) => line.split('/').at(-1))).toEqual(['certificate', 'secret', 'plumb-x-1234', 'pods'])
  })

  test('has nothing to take back from a program whose pod is gone', async () => {
    const seen: string[] = []
    await using fake = await fakeApi((request, response) => {
      if (request.path === '/api/v1') return answer(response, CORE)
      seen.push(`${request.method} ${request.path}`)
      answer(response, { message: 'not found', code: 404 }, 404)
    })
    const journal = newJournal()
    const pod = { kind: 'v1/Pod', name: 'gateway', namespace: 'istio-system' }
    journal.told(pod, 15000, { method: 'POST', path: '/logging?http=warning' })
    expect(await undoAll(fake.api, journal, () => undefined)).toEqual([])
    expect(seen).toEqual(['GET /api/v1/namespaces/istio-system/pods/gateway'])
    expect(journal.pending()).toEqual([])
  })

  test('says what does not go, and keeps it open', async () => {
    await using fake = await noting([], [{ metadata: { name: ours.name } }])
    setDeadlineFactor(0.02)
    const journal = newJournal()
    journal.made(ours)
    const [left] = await undoAll(fake.api, journal, () => undefined)
    expect(left).toMatch(/^Namespace plumb-x-1234 was not deleted: Namespace plumb-x-1234: .*, after [\d.]+ s/)
    expect(journal.pending()).toHaveLength(1)
  })

  test('goes on with the rest where one thing cannot be put back', async () => {
    const seen: string[] = []
    await using fake = await noting(seen, [], 'PATCH')
    const journal = newJournal()
    journal.made(ours)
    journal.changed(settings, {})
    expect(await undoAll(fake.api, journal, () => undefined)).toEqual([
      expect.stringMatching(/config-domain was not restored: .*no \(tried 4 times\)$/),
    ])
    expect(seen).toContain('DELETE /api/v1/namespaces/plumb-x-1234')
    expect(journal.pending().map(({ what }) => what)).toEqual(['changed'])
  })

  test('does not delete a namespace, nor a pod in it, whose label names no run or another one', async () => {
    const seen: string[] = []
    await using fake = await noting(seen, [], undefined, 'another')
    const journal = newJournal()
    journal.made(ours)
    expect(await undoAll(fake.api, journal, () => undefined)).toEqual([
      'Namespace plumb-x-1234 was not deleted: ' +
        'Namespace plumb-x-1234 does not carry the label plumbline.dev/run=mine: not deleted',
    ])
    const pods = fake.api.deletePodsNow(ours.name, notOfRun('mine'))
    await expect(pods).rejects.toThrow('does not carry the label plumbline.dev/run=mine: its pods are not deleted')
    expect(seen).toEqual([])
    expect(journal.pending()).toHaveLength(1)
  })
})
