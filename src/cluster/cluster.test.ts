import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { inScope, Scope } from '../core/scope.ts'
import { answer, CORE, fakeApi, type Handler } from '../../test/fake-api.ts'
import { blankSurvey } from '../../test/blank-survey.ts'
import { makeRun } from '../../test/make-run.ts'
import { writeSurveyFile } from '../survey/survey-file.ts'
import { stackSchema } from '../config/stack-schema.ts'
import { Cluster } from './cluster.ts'

/** A Cluster on an API that counts LISTs by their path; the first `refused` are forbidden. */
async function clusterOn(refused = 0, handle?: Handler) {
  const lists: Record<string, number> = {}
  const fake = await fakeApi((request, response) => {
    if (request.path === '/api/v1') return answer(response, CORE)
    if (request.path === '/apis/discovery.k8s.io/v1')
      return answer(response, { resources: [{ name: 'endpointslices', kind: 'EndpointSlice', namespaced: true }] })
    if (request.path.startsWith('/apis/') && !request.path.endsWith('slices')) return answer(response, {}, 404)
    if (request.method !== 'GET') return handle?.(request, response)
    lists[request.path] = (lists[request.path] ?? 0) + 1
    if (/\/v1\/namespaces\/[^/]+$/.test(request.path))
      return answer(response, { metadata: { labels: { 'plumbline.dev/run': run.id } } })
    if (refused-- > 0) return answer(response, { message: 'no' }, 404)
    const items = request.path === '/api/v1/namespaces' ? [] : [{ metadata: { name: 'a' } }]
    answer(response, { metadata: { resourceVersion: '1' }, items })
  })
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'plumbline-cluster-')), 'kubeconfig')
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: 'fake', cluster: { server: fake.api.server, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'u' } }],
      'current-context': 'fake',
    }),
  )
  const run = makeRun([], { config: stackSchema.parse({ target: 'existing', kubeconfig }), surveyed: true })
  writeSurveyFile(run.id, blankSurvey())
  return Object.assign(fake, { cluster: new Cluster(run, new AbortController().signal), lists })
}

describe('what is read for several checks', () => {
  test('is read once a run', async () => {
    await using fake = await clusterOn()
    await Promise.all([fake.cluster.all('v1/Node'), fake.cluster.all('v1/Node')])
    await fake.cluster.one('v1/Node', 'a')
    expect(fake.lists).toEqual({ '/api/v1/nodes': 1 })
  })

  test('is read again where reading it failed', async () => {
    await using fake = await clusterOn(1)
    await expect(fake.cluster.all('v1/Node')).rejects.toThrow('no')
    expect(await fake.cluster.all('v1/Node')).toHaveLength(1)
  })

  test.each([
    ['v1/Pod', '/api/v1/pods'],
    ['discovery.k8s.io/v1/EndpointSlice', '/apis/discovery.k8s.io/v1/endpointslices'],
  ])('is read anew where it is fleeting: %s', async (kind, path) => {
    await using fake = await clusterOn()
    await Promise.all([fake.cluster.all(kind), fake.cluster.all(kind)])
    expect(fake.lists).toEqual({ [path]: 1 })
    await fake.cluster.all(kind)
    expect(fake.lists).toEqual({ [path]: 2 })
  })
})

describe('what is made once a run', () => {
  const scoped = <T>(id: string, work: () => Promise<T>) =>
    inScope(new Scope(id, new AbortController().signal, 'writes'), work)

  test('is made by the first who asks, and made again where that failed, with what it left taken away', async () => {
    const deleted: string[] = []
    await using fake = await clusterOn(0, (request, response) => {
      if (request.method === 'DELETE') deleted.push(request.path)
      answer(response, request.method === 'DELETE' ? {} : JSON.parse(request.text))
    })
    const { cluster } = fake
    let made = 0
    const make = async () => {
      const namespace = await cluster.namespace('thing')
      if (++made === 1) throw new Error('503')
      return namespace
    }
    await expect(scoped('a/b', () => cluster.shared('thing', make))).rejects.toThrow('503')
    expect(deleted[0]).toBe(`/api/v1/namespaces/plumb-thing-${cluster.runTag}`)
    const again = await Promise.all(['a/c', 'a/d'].map((id) => scoped(id, () => cluster.shared('thing', make))))
    expect(again).toEqual([`plumb-thing-${cluster.runTag}`, `plumb-thing-${cluster.runTag}`])
    expect(made).toBe(2)
  })

  test('shows the check what it looked at while it was made', async () => {
    await using fake = await clusterOn(0, (request, response) => answer(response, JSON.parse(request.text)))
    const scope = new Scope('a/b', new AbortController().signal, 'writes')
    await inScope(scope, () => fake.cluster.shared('thing', () => fake.cluster.namespace('thing')))
    expect([...scope.touched.values()].map(({ metadata }) => metadata?.name)).toEqual([
      `plumb-thing-${fake.cluster.runTag}`,
    ])
  })
})
