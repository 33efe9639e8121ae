import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Aws } from '../cloud/aws.ts'
import { findNlb } from '../cloud/nlb.ts'
import { leftOf, partsOf } from '../cloud/nlb-gone.ts'
import { associate, associationsOf, dissociate } from '../cloud/pod-identity.ts'
import { stackSchema } from '../config/stack-schema.ts'
import { applyAll } from './apply-all.ts'
import { deploymentMark, type Component, type InstallContext } from './component.ts'
import { forgetMade, idOf, readMade, writeMade } from './made-record.ts'
import { planComponents } from './plan.ts'
import { planKept, takeDown } from './take-down.ts'
import { loadKubeConfig } from '../kube/connection.ts'
import { Kubernetes } from '../kube/kubernetes.ts'
import { testTwin } from '../../test/start-twin.ts'

let on: Awaited<ReturnType<typeof testTwin>>
let context: InstallContext
let close: () => Promise<void>
beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'twin')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'twin')
  on = await testTwin('aws')
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'plumbline-')), 'kubeconfig')
  writeFileSync(kubeconfig, stringify(on.twin.kubeconfig))
  const config = loadKubeConfig(kubeconfig, undefined)
  close = () => config.close()
  context = {
    api: new Kubernetes(config),
    config: stackSchema.parse({ target: 'twin' }),
    context: 'twin',
    tell: () => undefined,
    signal: new AbortController().signal,
  }
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await close()
  await on.stop()
})

const OBJECTS = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'extra' } },
  {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'extras.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { kind: 'Extra', plural: 'extras', singular: 'extra', listKind: 'ExtraList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'extra' }, data: { a: '1' } },
  { apiVersion: 'example.com/v1', kind: 'Extra', metadata: { name: 'one', namespace: 'extra' } },
]

const extra: Component = {
  name: 'workload',
  after: [],
  mark: { kind: 'v1/ConfigMap', name: 'settings', namespace: 'extra' },
  objects: () => Promise.resolve(OBJECTS),
  install: ({ api, signal }) => applyAll(api, OBJECTS, signal),
}
const there: Component = { ...extra, name: 'istio', mark: deploymentMark('istio-system', 'istiod') }

describe('an up on a cluster of somebody else', () => {
  test('plans to create what is not there, and to leave a component that is, and not by it', async () => {
    const [planned, stays] = await planComponents([extra, there], context, { components: [] })
    expect(planned).toMatchObject({ name: 'workload', stays: false, create: OBJECTS.map(idOf), keep: [] })
    expect(stays).toMatchObject({ name: 'istio', stays: true, create: [], keep: [] })
  })

  test('takes down what its record has, kinds and namespaces included, and nothing else', async () => {
    const made = { components: [{ component: 'workload' as const, objects: OBJECTS.map(idOf) }] }
    await writeMade(context.api, made)
    await extra.install(context)
    expect(await readMade(context.api)).toEqual(made)
    const [again] = await planComponents([extra], context, made)
    expect(again).toMatchObject({ stays: false, create: [], keep: OBJECTS.map(idOf) })
    const before = (await context.api.list('v1/Namespace')).items.length
    expect(await takeDown(OBJECTS.map(idOf), OBJECTS.map(idOf), context)).toEqual([])
    for (const { kind, name } of OBJECTS.slice(0, 2).map(idOf))
      expect(await context.api.find(kind, name)).toBeUndefined()
    expect((await context.api.list('v1/Namespace')).items.length).toBe(before - 1)
    await forgetMade(context.api)
    expect(await readMade(context.api)).toEqual({ components: [] })
  })

  test('leaves a kind that others have objects of, and a namespace with theirs in it, and says which', async () => {
    const ids = OBJECTS.map(idOf)
    await extra.install(context)
    const others = [
      { path: '/apis/example.com/v1/namespaces/default/extras', kind: 'Extra', apiVersion: 'example.com/v1' },
      { path: '/api/v1/namespaces/extra/configmaps', kind: 'ConfigMap', apiVersion: 'v1' },
    ]
    const metadata = { name: 'theirs', labels: { team: 'shop' } }
    for (const { path, ...object } of others) await on.call('POST', path, { ...object, metadata })
    const kept = [
      { object: ids[1], why: 'others have made Extra default/theirs' },
      { object: ids[0], why: 'others have made ConfigMap extra/theirs' },
    ]
    expect(await planKept(ids, ids, context)).toEqual(kept.toReversed())
    expect(await takeDown(ids, ids, context)).toEqual(kept)
    expect(await context.api.find('example.com/v1/Extra', 'theirs', 'default')).toBeDefined()
    expect(await context.api.find('v1/ConfigMap', 'theirs', 'extra')).toBeDefined()
    expect(await context.api.find('v1/ConfigMap', 'settings', 'extra')).toBeUndefined()
    for (const { path } of others) await on.call('DELETE', `${path}/theirs`)
    expect(
      await takeDown(
        kept.map(({ object }) => object!),
        ids,
        context,
      ),
    ).toEqual([])
  })

  test('refuses a record that somebody has changed into what is none', async () => {
    const record = { kind: 'v1/ConfigMap', name: 'plumbline-made', namespace: 'kube-system' }
    await writeMade(context.api, { components: [] })
    await context.api.patch(record, { data: { made: '{"compon' } })
    await expect(readMade(context.api)).rejects.toThrow(
      'ConfigMap kube-system/plumbline-made, key made: not the record that plumbline up writes.',
    )
    await forgetMade(context.api)
  })

  test('leaves a namespace that plumbline has not applied', async () => {
    await on.call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'theirs' } })
    await expect(takeDown([{ kind: 'v1/Namespace', name: 'theirs' }], [], context)).rejects.toThrow(
      'Namespace theirs was not applied by plumbline (no field manager "plumbline"): not deleted',
    )
  })

  test('gives the controller a role by Pod Identity, and takes it away, twice without harm', async () => {
    const aws = new Aws({ region: 'eu-west-1', endpoint: on.twin.awsEndpoint })
    const of = { namespace: 'kube-system', account: 'controller' }
    const role = 'arn:aws:iam::000000000000:role/controller'
    const id = await associate(aws, 'plumbline', of, role)
    expect(await associationsOf(aws, 'plumbline', of)).toEqual([{ id, role, ours: true }])
    await dissociate(aws, 'plumbline', id)
    await dissociate(aws, 'plumbline', id)
    expect(await associationsOf(aws, 'plumbline', of)).toEqual([])
  })

  test('sees the end of a load balancer and its target groups', async () => {
    const aws = new Aws({ region: 'eu-west-1', endpoint: on.twin.awsEndpoint })
    const { body } = await on.call('GET', '/api/v1/namespaces/istio-system/services/istio-ingressgateway')
    const { arn } = await findNlb(
      aws,
      body.status.loadBalancer.ingress[0].hostname,
      'istio-system/istio-ingressgateway',
    )
    const parts = await partsOf(aws, arn)
    expect(parts.targetGroups).toHaveLength(3)
    expect(await leftOf(aws, parts)).toMatch(/^load balancer net\/k8s-istiosys-istioing-/)
    await context.api.patch(
      { kind: 'v1/Service', name: 'istio-ingressgateway', namespace: 'istio-system' },
      { metadata: { finalizers: [] } },
    )
    await context.api.delete({ kind: 'v1/Service', name: 'istio-ingressgateway', namespace: 'istio-system' })
    expect(await leftOf(aws, parts)).toBeUndefined()
    await expect(findNlb(aws, 'gone.elb.eu-west-1.amazonaws.com', 'a/b')).rejects.toThrow(
      'Load balancer gone.elb.eu-west-1.amazonaws.com not found in eu-west-1 (found: 0 others): ' +
        "check that this is the cluster's region and account.",
    )
  })

  test('calls no action that the two policies do not allow', () => {
    const actionsOf = (file: string) => {
      const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'eks', file), 'utf8')
      return (JSON.parse(text) as { Statement: { Action: string[] }[] }).Statement.flatMap(({ Action }) => Action)
    }
    const allowed = [...actionsOf('iam-read-only.json'), ...actionsOf('iam-up-and-down.json')]
    expect(on.twin.awsCalled).toContain('eks:CreatePodIdentityAssociation')
    expect([...on.twin.awsCalled].filter((action) => !allowed.includes(action))).toEqual([])
  })
})
