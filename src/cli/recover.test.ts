import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { stringify } from 'yaml'
import { stackSchema } from '../config/stack-schema.ts'
import { journalFile, runFolder } from '../config/run-info.ts'
import { Journal } from '../cluster/journal.ts'
import { answer, CORE, fakeApi } from '../../test/fake-api.ts'
import { makeRun } from '../../test/make-run.ts'
import { recover } from './recover.ts'

let lines: string[]
beforeEach(() => {
  lines = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
})
afterEach(() => void vi.restoreAllMocks())

/** A run that was killed, on the cluster of a kubeconfig; no process has this number. */
function killedRun(kubeconfig: string) {
  const config = stackSchema.parse({ target: 'existing', kubeconfig })
  const run = makeRun([], { pid: 2 ** 22 + 1, config, context: 'here' })
  const journal = new Journal(journalFile(run.id))
  return { run, journal }
}

const kubeconfigOf = (server: string): string => {
  const folder = runFolder('kubeconfigs')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, String(new URL(server).port))
  const cluster = { server, 'insecure-skip-tls-verify': true }
  writeFileSync(
    file,
    stringify({
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token: 'x' } }],
      contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'here',
    }),
  )
  return file
}

describe('recover', () => {
  test('undoes what a killed run left, although the run.json of another one is cut in half', async () => {
    const seen: string[] = []
    await using fake = await fakeApi((request, response) => {
      if (request.path === '/api/v1') return answer(response, CORE)
      if (request.path.startsWith('/apis')) return answer(response, { message: 'not found' }, 404)
      seen.push(`${request.method} ${request.path}`)
      answer(response, {})
    })
    const half = killedRun('nowhere')
    half.journal.made({ kind: 'v1/Namespace', name: 'plumb-half-1234' })
    const file = join(runFolder(half.run.id), 'run.json')
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 100))
    const { run, journal } = killedRun(kubeconfigOf(fake.api.server))
    journal.changed({ kind: 'v1/ConfigMap', name: 'config-domain', namespace: 'knative-serving' }, { data: {} })
    expect(await recover(undefined)).toBe(2)
    expect(seen).toEqual(['PATCH /api/v1/namespaces/knative-serving/configmaps/config-domain'])
    expect(lines).toEqual([
      expect.stringMatching(`${half.run.id}/run.json cannot be read \\(it is not complete JSON\\)`),
      `run ${run.id} on here:`,
      expect.stringContaining('config-domain'),
      '1 of 2 changes undone',
    ])
  })

  test('says of a run on a cluster that does not answer what is left, and does not fail', async () => {
    const { run, journal } = killedRun(kubeconfigOf('https://127.0.0.1:1'))
    journal.made({ kind: 'v1/Namespace', name: 'plumb-x-1234' })
    expect(await recover(run.id)).toBe(2)
    expect(lines.join('\n')).toMatch(/Namespace plumb-x-1234 .*does not answer \(ECONNREFUSED\)/)
    expect(lines.at(-1)).toBe('0 of 1 changes undone')
  })

  test.each([
    [4, 'left alone', []],
    [40, 'taken for dead', ['DELETE plumb-run-1a2b']],
  ])('of a run on another machine whose Lease was renewed %i s ago: %s', async (seconds, _, deleted) => {
    const seen: string[] = []
    const id = `20260101-00000${seconds % 7}-1a2b`
    const namespace = { metadata: { name: 'plumb-run-1a2b', labels: { 'plumbline.dev/run': id } } }
    await using fake = await fakeApi((request, response) => {
      const { path, method } = request
      if (path === '/api/v1') return answer(response, CORE)
      if (path === '/apis/coordination.k8s.io/v1')
        return answer(response, { resources: [{ name: 'leases', kind: 'Lease', namespaced: true }] })
      if (path.startsWith('/apis') && !path.endsWith('/leases')) return answer(response, { message: 'none' }, 404)
      if (method === 'DELETE' && !path.endsWith('/pods')) seen.push(`DELETE ${path.split('/').at(-1)}`)
      if (path.endsWith('plumb-run-1a2b')) return answer(response, namespace)
      const renewTime = new Date(Date.now() - seconds * 1000).toISOString()
      const lease = {
        metadata: namespace.metadata,
        spec: { holderIdentity: 'ci-7/1', acquireTime: renewTime, renewTime },
      }
      const items = path.endsWith('/leases') ? [lease] : path.endsWith('/namespaces') && !seen.length ? [namespace] : []
      answer(response, { metadata: { resourceVersion: '1' }, items })
    })
    const config = stackSchema.parse({ target: 'existing', kubeconfig: kubeconfigOf(fake.api.server) })
    // In a container every process is 1: the number says nothing.
    const run = makeRun([], { id, pidSpace: 'elsewhere', pid: process.pid, lease: true, config, context: 'here' })
    new Journal(journalFile(run.id)).made({ kind: 'v1/Namespace', name: 'plumb-run-1a2b' })
    await recover(undefined)
    expect(seen).toEqual(deleted)
    if (deleted.length) expect(lines).toContain(`run ${id} on here:`)
    else
      expect(lines.join('\n')).toMatch(
        new RegExp(`run ${id} is still running on ci-7 .renewed [0-9]+ s ago.: left alone`),
      )
  })

  test('refuses a run that is still running', async () => {
    const run = makeRun([])
    await expect(recover(run.id)).rejects.toThrow(
      `run ${run.id} is still running on this machine (process ${process.pid})`,
    )
  })
})
