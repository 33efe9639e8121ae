import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Effect } from '../core/record.ts'
import { inScope, Scope } from '../core/scope.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { answer, CORE, fakeApi } from '../../test/fake-api.ts'
import { Changes } from './changes.ts'
import type { Cluster } from './cluster.ts'
import { Journal } from './journal.ts'

const settings = ['v1/ConfigMap', 'knative-serving', 'config-domain'] as const
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'gateway', namespace: 'istio-system' } }
const deployment = { kind: 'apps/v1/Deployment', name: 'controller', namespace: 'knative-serving' }
const scopeOf = (effect: Effect) => new Scope('mesh/a', new AbortController().signal, effect)

function changesOf(k8s: Kubernetes, target: 'kind' | 'existing' = 'kind', allowDisruption = false) {
  const journal = new Journal(join(mkdtempSync(join(tmpdir(), 'plumbline-')), 'journal.jsonl'))
  const cluster = { k8s, journal, config: { target }, run: { allowDisruption } } as unknown as Cluster
  return { journal, changes: new Changes(cluster) }
}

describe('a change', () => {
  test('is in the journal before it is made, and out of it once it is put back', async () => {
    const seen: string[] = []
    const open = () => journal.pending().length
    await using fake = await fakeApi((request, response) => {
      if (request.path === '/api/v1') return answer(response, CORE)
      seen.push(`${request.method} ${request.text}, open: ${open()}`)
      answer(response, { metadata: { name: 'config-domain' }, data: { 'example.com': 'before' } })
    })
    const { journal, changes } = changesOf(fake.api)
    const scope = scopeOf('tunes')
    await inScope(scope, () => changes.tune(...settings, { data: { 'example.com': 'after', other: 'x' } }))
    expect(seen).toEqual(['GET , open: 0', 'PATCH {"data":{"example.com":"after","other":"x"}}, open: 1'])
    await inScope(scope, () => scope.end())
    expect(seen[2]).toBe('PATCH {"data":{"example.com":"before","other":null}}, open: 1')
    expect(open()).toBe(0)
  })

  test('of what is gone meanwhile needs no putting back', async () => {
    let patches = 0
    await using fake = await fakeApi((request, response) => {
      if (request.path === '/api/v1') return answer(response, CORE)
      if (request.method === 'PATCH' && ++patches === 2)
        return answer(response, { kind: 'Status', code: 404, message: 'nodes "a" not found' }, 404)
      answer(response, { spec: {} })
    })
    const { journal, changes } = changesOf(fake.api)
    const scope = scopeOf('disrupts')
    await inScope(scope, () => changes.tune('v1/Node', undefined, 'a', { spec: { unschedulable: true } }))
    await inScope(scope, () => scope.end())
    expect(journal.pending()).toEqual([])
  })

  test('that cannot be put back stays in the journal', async () => {
    let patches = 0
    await using fake = await fakeApi((request, response) => {
      if (request.path === '/api/v1') return answer(response, CORE)
      if (request.method === 'PATCH' && ++patches === 2) return answer(response, { message: 'no' }, 422)
      answer(response, { data: {} })
    })
    const { journal, changes } = changesOf(fake.api)
    const scope = scopeOf('tunes')
    await inScope(scope, () => changes.tune(...settings, { data: { a: 'b' } }))
    await expect(inScope(scope, () => scope.end())).rejects.toThrow('no')
    expect(journal.pending()).toMatchObject([{ what: 'changed', restore: { data: { a: null } } }])
  })
})

describe('what a check does not declare it does not do', () => {
  test.each<[string, Effect, string, (changes: Changes) => Promise<unknown>]>([
    ['tune', 'writes', 'changed ConfigMap knative-serving/config-domain (tunes)', (c) => c.tune(...settings, {})],
    [
      'tell',
      'writes',
      'told Pod istio-system/gateway /logging?a=b (tunes)',
      (c) => c.tell(pod, 15000, { path: '/logging?a=b', method: 'POST' }, { path: '/' }),
    ],
    [
      'place shared',
      'writes',
      "placed Pod istio-system/gateway, which everybody's traffic meets (tunes)",
      (c) => c.place(pod, 'shared'),
    ],
    ['restart', 'writes', 'restarted Deployment knative-serving/controller (tunes)', (c) => c.restart(deployment)],
    [
      'take pods',
      'tunes',
      'took pods from Deployment knative-serving/controller (disrupts)',
      (c) => Promise.resolve().then(() => c.willDisturb(deployment)),
    ],
  ])('%s', async (_, effect, did, change) => {
    await using fake = await fakeApi((_request, response) => answer(response, {}, 500))
    const { journal, changes } = changesOf(fake.api)
    await expect(inScope(scopeOf(effect), () => change(changes))).rejects.toThrow(
      `bug in Plumbline: check mesh/a is declared ${effect} but ${did}`,
    )
    expect(journal.pending()).toEqual([])
  })
})

test('a cluster that is not ours is changed only where that is allowed', async () => {
  await using fake = await fakeApi((request, response) => answer(response, request.path === '/api/v1' ? CORE : {}))
  const tune = (changes: Changes) => inScope(scopeOf('tunes'), () => changes.tune(...settings, {}))
  await expect(tune(changesOf(fake.api, 'existing').changes)).rejects.toThrow(
    'refusing to change ConfigMap knative-serving/config-domain on a cluster that is not ours; ' +
      'pass --allow-disruption --context NAME to allow it',
  )
  await expect(tune(changesOf(fake.api, 'existing', true).changes)).resolves.toBeDefined()
})

const APPS = { resources: [{ name: 'deployments', kind: 'Deployment', namespaced: true }] }
const podOf = (name: string) => ({ metadata: { name, uid: name } })
const deploymentOf = (replicas: number) => ({
  kind: 'Deployment',
  metadata: { name: 'controller', namespace: 'knative-serving' },
  spec: { replicas, selector: { matchLabels: { app: 'controller' } } },
  status: {
    ...{ replicas, readyReplicas: replicas, updatedReplicas: replicas },
    conditions: [{ type: 'Available', status: 'True' }],
  },
})

/** A Deployment whose pods are replaced as soon as they are evicted, or its template changes. */
async function restarted(names: string[]) {
  let pods = names.map(podOf)
  const seen: string[] = []
  const see = (what: string) =>
    seen.push(`${what} of ${pods.map(({ metadata }) => metadata.name).join(', ')}; open: ${journal.pending().length}`)
  await using fake = await fakeApi((request, response) => {
    if (request.path === '/api/v1') return answer(response, CORE)
    if (request.path === '/apis/apps/v1') return answer(response, APPS)
    if (request.path.endsWith('/eviction')) {
      const name = request.path.split('/').at(-2) ?? ''
      see(name)
      pods = [...pods.filter(({ metadata }) => metadata.name !== name), podOf(`after-${name}`)]
      return answer(response, {})
    }
    if (request.method === 'PATCH') {
      see('rollout')
      pods = [podOf('new')]
    }
    if (request.path.endsWith('/controller')) return answer(response, deploymentOf(names.length))
    const items = request.path.includes('/deployments') ? [deploymentOf(names.length)] : pods
    answer(response, { metadata: { resourceVersion: '1' }, items })
  })
  const { journal, changes } = changesOf(fake.api)
  await inScope(scopeOf('tunes'), () => changes.restart(deployment))
  expect(journal.pending()).toEqual([])
  return seen
}

describe('a restart is in the journal until all pods are Ready again', () => {
  test('and evicts one of several pods at a time', async () => {
    expect(await restarted(['a', 'b'])).toEqual(['a of a, b; open: 1', 'b of b, after-a; open: 1'])
  })

  test('and rolls a single pod over, so that its successor is there first', async () => {
    expect(await restarted(['a'])).toEqual(['rollout of a; open: 1'])
  })
})
