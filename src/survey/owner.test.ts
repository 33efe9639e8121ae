import { expect, test } from 'vitest'
import { describeOwner, ownerOf } from './owner.ts'

const marked = (metadata: object) => ({ kind: 'ConfigMap', metadata: { name: 'config-network', ...metadata } })
const helm = {
  labels: { 'app.kubernetes.io/managed-by': 'Helm' },
  annotations: { 'meta.helm.sh/release-name': 'serving' },
}

test.each([
  ['nobody', {}, undefined],
  ['Helm, which leaves it alone', helm, { kind: 'helm', name: 'serving', reverts: false }],
  [
    'Argo CD, though a chart made it',
    { ...helm, annotations: { 'argocd.argoproj.io/tracking-id': 'platform:/ConfigMap:serving/config-network' } },
    { kind: 'argocd', name: 'platform', reverts: true },
  ],
  ['Flux', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'infra' } }, { kind: 'flux', name: 'infra', reverts: true }],
  [
    'the Knative Operator',
    { ownerReferences: [{ controller: true, kind: 'KnativeServing', name: 'serving', apiVersion: 'x', uid: 'u' }] },
    { kind: 'operator', name: 'KnativeServing serving', reverts: true },
  ],
  [
    'a ReplicaSet, which is no installer',
    { ownerReferences: [{ controller: true, kind: 'ReplicaSet', name: 'a', apiVersion: 'apps/v1', uid: 'u' }] },
    undefined,
  ],
  ['an EKS add-on', { managedFields: [{ manager: 'eks' }] }, { kind: 'eks-addon', reverts: true }],
])('an object belongs to %s', (_, metadata, owner) => {
  expect(ownerOf(marked(metadata))).toEqual(owner)
})

test('an owner is named in words', () => {
  expect(describeOwner({ kind: 'argocd', name: 'platform', reverts: true })).toBe('Argo CD (platform)')
  expect(describeOwner({ kind: 'aks', reverts: true })).toBe('AKS')
})
