import { expect, test } from 'vitest'
import type { Cluster } from '../cluster/cluster.ts'
import type { KubernetesObject } from '../core/object.ts'
import { Scope } from '../core/scope.ts'
import { smallSurvey } from '../../test/small-survey.ts'
import { gatherEvidence } from './evidence.ts'

const pod = (namespace: string, container: string, app = container): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace, labels: { app }, managedFields: [{ manager: 'x' }] },
  spec: { containers: [{ name: container, env: [{ name: 'TOKEN', value: 'hush' }] }] },
})

function clusterOf(log: string | Error) {
  const read: string[] = []
  const tails: number[] = []
  const cluster = {
    runTag: 'ab12',
    survey: () => Promise.resolve(smallSurvey),
    k8s: {
      list: () => Promise.resolve({ items: [] }),
      log: ({ namespace, container }: Record<string, string>, { tail }: { tail: number }) => {
        read.push(`${namespace} ${container}`)
        tails.push(tail)
        return log instanceof Error ? Promise.reject(log) : Promise.resolve(log)
      },
    },
  } as unknown as Cluster
  return { cluster, read, tails }
}

async function gather(cluster: Cluster, ...objects: KubernetesObject[]) {
  const scope = new Scope('mesh/x', new AbortController().signal, 'reads')
  for (const object of objects) scope.touch(object)
  return gatherEvidence(cluster, scope)
}

const USERS = '[2026] "GET /account HTTP/1.1" 200 "shop.example.com"'
const OURS = '[2026] "GET /plumb-0123456789abcdef HTTP/1.1" 200 "hello.example.com"'

test('has objects without values of their environment, and leaves the cached object as it was', async () => {
  const object = pod('mesh', 'discovery', 'istiod')
  const before = structuredClone(object)
  const [evidence] = await gather(clusterOf('').cluster, object)
  expect(evidence).toMatchObject({ name: 'Pod mesh/p.yaml' })
  expect(evidence!.text).toContain('value: (not shown)')
  expect(evidence!.text).not.toMatch(/hush|managedFields/)
  expect(object).toEqual(before)
})

test("has of a gateway's log the last lines about our requests, looked for among many", async () => {
  const log = [...Array.from({ length: 60 }, () => OURS), USERS].join('\n')
  const { cluster, tails } = clusterOf(log)
  const evidence = await gather(cluster, pod('edge', 'istio-proxy', 'gateway'))
  expect(evidence.at(-1)).toEqual({
    name: 'log of edge/p istio-proxy',
    text: Array.from({ length: 40 }, () => OURS).join('\n'),
  })
  expect(tails).toEqual([2000])
})

test("does not read the log of somebody's pod", async () => {
  const { cluster, read } = clusterOf(USERS)
  const evidence = await gather(cluster, pod('shop', 'app'))
  expect(read).toEqual([])
  expect(evidence.map(({ name }) => name)).toEqual(['Pod shop/p.yaml'])
})

test('says why a log was not read, and does not throw', async () => {
  const evidence = await gather(
    clusterOf(new Error('container is waiting to start')).cluster,
    pod('plumb-a-ab12', 'app'),
  )
  expect(evidence.at(-1)?.text).toBe('the log was not read: container is waiting to start')
})
