import { describe, expect, test } from 'vitest'
import { blankSurvey } from '../../test/blank-survey.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { found } from '../survey/fact.ts'
import type { Survey } from '../survey/survey.ts'
import type { Ours } from './ours.ts'
import { namespaceLabels, namespaceObject, pullSecretsFor } from './own-namespace.ts'

const nothing: Ours = {
  labels: {},
  annotations: {},
  namespaceLabels: {},
  namespaceAnnotations: {},
  pullSecrets: [],
}

const ours: Ours = {
  ...nothing,
  labels: { team: 'platform', app: 'plumbline' },
  annotations: { 'example.com/cost': '7' },
  namespaceLabels: { tenant: 'platform' },
  namespaceAnnotations: { 'example.com/owner': 'sre' },
  pullSecrets: ['build/mirror'],
}

describe('the labels of a namespace of ours', () => {
  const ztunnel = { ambient: found({ ztunnel: {}, waypoints: [] }, 'x') } as unknown as Partial<Survey>
  const byDefault = { injection: found({ labels: {}, istiod: 'a/b', byDefault: true }, 'x') }

  test('are those of stack.yaml, and of the discoverySelectors', () => {
    const admission = { namespaceLabels: { 'istio-discovery': 'enabled' }, refused: [], changed: [], unknown: [] }
    expect(namespaceLabels(ours, blankSurvey({ admission: found(admission, 'x') }), { a: 'b' })).toEqual({
      'istio-discovery': 'enabled',
      team: 'platform',
      app: 'plumbline',
      tenant: 'platform',
      a: 'b',
    })
  })

  test('keep ambient and sidecars away that nobody asked for', () => {
    expect(namespaceLabels(nothing, blankSurvey({ ...ztunnel, ...byDefault }), {})).toEqual({
      'istio.io/dataplane-mode': 'none',
      'istio-injection': 'disabled',
    })
  })

  test('leave the mesh to a check that asks for it', () => {
    const asked = { 'istio.io/rev': 'canary' }
    expect(namespaceLabels(nothing, blankSurvey({ ...ztunnel, ...byDefault }), asked)).toEqual(asked)
  })
})

test('a namespace of ours has the annotations of stack.yaml and the labels of its run', () => {
  expect(namespaceObject('plumb-a', 'run-1', ours, { tenant: 'platform' }).metadata).toEqual({
    name: 'plumb-a',
    labels: { tenant: 'platform', 'plumbline.dev/run': 'run-1', 'app.kubernetes.io/managed-by': 'plumbline' },
    annotations: { 'example.com/cost': '7', 'example.com/owner': 'sre' },
  })
})

describe('a pull Secret', () => {
  const secret = { kind: 'Secret', metadata: { name: 'mirror', uid: '1' }, type: 'kubernetes.io/dockerconfigjson' }
  const api = (there: boolean) => ({ find: () => Promise.resolve(there ? secret : undefined) }) as unknown as Kubernetes

  test('is copied', async () => {
    expect(await pullSecretsFor(api(true), ours, 'plumb-a')).toMatchObject([
      { metadata: { name: 'mirror', namespace: 'plumb-a' }, type: 'kubernetes.io/dockerconfigjson' },
    ])
  })

  test('must exist', async () => {
    await expect(pullSecretsFor(api(false), ours, 'plumb-a')).rejects.toThrow(
      'stack.yaml, ours.pullSecrets: Secret build/mirror does not exist.',
    )
  })
})
