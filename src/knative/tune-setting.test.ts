import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Changes } from '../cluster/changes.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { Journal } from '../cluster/journal.ts'
import type { KubernetesObject } from '../core/object.ts'
import { inScope, Scope } from '../core/scope.ts'
import type { ObjectId } from '../kube/object-id.ts'
import type { Condition } from '../kube/until.ts'
import { found, unknown } from '../survey/fact.ts'
import { tuneSetting } from './tune-setting.ts'

const merge = (target: Record<string, unknown>, patch: object): Record<string, unknown> => {
  const merged = { ...target }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else if (typeof value === 'object') merged[key] = merge((merged[key] ?? {}) as Record<string, unknown>, value)
    else merged[key] = value
  }
  return merged
}

/** A Knative in namespace `serving`, with or without an Operator that has the ConfigMap as its resource says. */
function knative({ map = {}, serving }: { map?: object; serving?: KubernetesObject }) {
  const own = { 'gc-period': '1h' }
  const objects: Record<string, KubernetesObject> = {
    'config-network': { kind: 'ConfigMap', metadata: { name: 'config-network', namespace: 'serving', ...map } },
  }
  if (serving) objects.knative = serving
  const reconcile = () => {
    if (!serving && objects['config-network']!.data) return
    const config = objects.knative?.spec?.config as Record<string, object> | undefined
    objects['config-network']!.data = { ...own, ...config?.network, ...config?.['config-network'] }
  }
  reconcile()
  const patched: string[] = []
  const k8s = {
    get: (_: string, name: string) => Promise.resolve(structuredClone(objects[name])),
    patch: ({ name }: ObjectId, change: object) => {
      patched.push(`${name} ${JSON.stringify(change)}`)
      objects[name] = merge(objects[name]!, change)
      reconcile()
      return Promise.resolve()
    },
  }
  const until = ({ name }: ObjectId, condition: Condition) => {
    const missing = condition([objects[name]!])
    return missing ? Promise.reject(new Error(missing)) : Promise.resolve([])
  }
  const journal = new Journal(join(mkdtempSync(join(tmpdir(), 'plumbline-')), 'journal.jsonl'))
  const facts = { namespace: 'serving', ...(serving ? { serving: { namespace: 'serving', name: 'knative' } } : {}) }
  const served = serving ? { 'operator.knative.dev/KnativeServing': 'v1beta1' } : {}
  const survey = () => Promise.resolve({ platform: { served }, knative: found(facts, 'a test') })
  const cluster = { k8s, journal, until, survey, config: { target: 'kind' }, run: {} } as unknown as Cluster
  const stack = Object.assign(cluster, { changes: new Changes(cluster) })
  const scope = new Scope('knative/a', new AbortController().signal, 'tunes')
  const tune = () => inScope(scope, () => tuneSetting(stack, 'config-network', { 'rollout-duration': '10' }))
  return { tune, end: () => inScope(scope, () => scope.end()), patched, objects, stack }
}

const resource = (config?: object, metadata: object = {}): KubernetesObject => ({
  kind: 'KnativeServing',
  metadata: { name: 'knative', namespace: 'serving', ...metadata },
  spec: config ? { config } : {},
})

test('without an operator the ConfigMap is changed, and put back', async () => {
  const { tune, end, patched } = knative({})
  await tune()
  await end()
  expect(patched).toEqual([
    'config-network {"data":{"rollout-duration":"10"}}',
    'config-network {"data":{"rollout-duration":null}}',
  ])
})

test.each([
  ['no configuration', undefined, 'network', '{"config":null}'],
  ['another ConfigMap', { features: {} }, 'network', '{"config":{"network":null}}'],
  [
    'the prefix',
    { 'config-network': { a: 'b' } },
    'config-network',
    '{"config":{"config-network":{"rollout-duration":null}}}',
  ],
  ['a value', { network: { 'rollout-duration': '5' } }, 'network', '{"config":{"network":{"rollout-duration":"5"}}}'],
])('with an operator its resource is changed, and put back: where it has %s', async (_, config, section, restored) => {
  const { tune, end, patched, objects } = knative({ serving: resource(config) })
  await tune()
  expect(objects['config-network']!.data).toMatchObject({ 'rollout-duration': '10', 'gc-period': '1h' })
  await expect(end()).resolves.toBeUndefined()
  expect(patched).toEqual([
    `knative {"spec":{"config":{"${section}":{"rollout-duration":"10"}}}}`,
    `knative {"spec":${restored}}`,
  ])
})

test.each([
  ['ConfigMap serving/config-network', { map: { labels: { 'kustomize.toolkit.fluxcd.io/name': 'infra' } } }],
  [
    'KnativeServing serving/knative',
    { serving: resource(undefined, { labels: { 'kustomize.toolkit.fluxcd.io/name': 'infra' } }) },
  ],
])('what a GitOps tool takes back is not changed: %s', async (name, shape) => {
  const { tune, patched } = knative(shape)
  await expect(tune()).rejects.toMatchObject({
    name: 'DoesNotApply',
    message:
      `${name} is kept by Flux (infra), which would take back a change of rollout-duration while the check runs; ` +
      'nothing was changed.',
  })
  expect(patched).toEqual([])
})

test('where nobody could look at Knative nothing is changed', async () => {
  const { tune, stack, patched } = knative({})
  stack.survey = () => Promise.resolve({ knative: unknown('may not list Deployments') } as never)
  await expect(tune()).rejects.toMatchObject({ name: 'NotLookedAt', message: 'may not list Deployments' })
  expect(patched).toEqual([])
})
