import { afterEach, expect, test } from 'vitest'
import { setDeadlineFactor } from '../core/deadlines.ts'
import type { KubernetesObject } from '../core/object.ts'
import { readinessTroubles } from '../kube/pods.ts'
import { answer, CORE, fakeApi } from '../../test/fake-api.ts'
import { lastingTroubles } from './lasting.ts'

const pod = (ready: string, namespace = 'mesh') => ({
  kind: 'Pod',
  metadata: { name: 'a', namespace },
  status: { conditions: [{ type: 'Ready', status: ready, message: 'it starts' }] },
})

/** An API whose watch gives the events after an unready pod. */
const watching = (events: object[]) =>
  fakeApi((request, response) => {
    if (request.path === '/api/v1') return answer(response, CORE)
    if (!request.query.get('watch'))
      return answer(response, { metadata: { resourceVersion: '5' }, items: [pod('False')] })
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    for (const event of events) response.write(`${JSON.stringify(event)}\n`)
  })

const all = (pods: KubernetesObject[]) => () => Promise.resolve(pods)
const inMesh = { kind: 'v1/Pod', namespace: 'mesh' }

afterEach(() => setDeadlineFactor(1))

test('where nothing is wrong nothing is waited for, and other namespaces do not count', async () => {
  await using fake = await fakeApi(() => expect.fail('nothing was to be asked'))
  const cluster = { k8s: fake.api, all: all([pod('True'), pod('False', 'shop')]) }
  expect(await lastingTroubles(cluster, inMesh, readinessTroubles)).toEqual([])
})

test('a trouble that passes is none', async () => {
  await using fake = await watching([{ type: 'MODIFIED', object: pod('True') }])
  expect(await lastingTroubles({ k8s: fake.api, all: all([pod('False')]) }, inMesh, readinessTroubles)).toEqual([])
})

test('one that is still there at the deadline is told', async () => {
  await using fake = await watching([])
  setDeadlineFactor(0.01)
  const cluster = { k8s: fake.api, all: all([pod('False')]) }
  expect(await lastingTroubles(cluster, inMesh, readinessTroubles)).toEqual(['a: it starts'])
})
