import { describe, expect, test } from 'vitest'
import { dressed, pulledFrom, type Ours } from './ours.ts'

const ours: Ours = {
  labels: { team: 'platform', app: 'plumbline' },
  annotations: { 'example.com/cost': '7' },
  namespaceLabels: { tenant: 'platform' },
  namespaceAnnotations: {},
  pullSecrets: ['build/mirror'],
  registry: 'registry.corp:5000/mirror',
}

const nothing: Ours = {
  labels: {},
  annotations: {},
  namespaceLabels: {},
  namespaceAnnotations: {},
  pullSecrets: [],
}

const service = {
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  metadata: { name: 'a', labels: { app: 'a' } },
  spec: {
    template: {
      metadata: { annotations: { 'autoscaling.knative.dev/min-scale': '1' } },
      spec: { containers: [{ image: 'docker.io/library/node:24-alpine' }] },
    },
  },
}

describe('an object of ours', () => {
  test('has the labels and annotations of stack.yaml, its pods too, and keeps its own', () => {
    const { metadata, spec } = dressed(service, ours)
    expect(metadata).toMatchObject({
      labels: { team: 'platform', app: 'a' },
      annotations: { 'example.com/cost': '7' },
    })
    expect(spec.template.metadata).toEqual({
      labels: { team: 'platform', app: 'plumbline' },
      annotations: { 'example.com/cost': '7', 'autoscaling.knative.dev/min-scale': '1' },
    })
  })

  test('has its images pulled from the registry, with the Secret', () => {
    const { spec } = dressed(service, ours)
    expect(spec.template.spec).toEqual({
      containers: [{ image: 'registry.corp:5000/mirror/library/node:24-alpine' }],
      imagePullSecrets: [{ name: 'mirror' }],
    })
  })

  test('is the same when dressed again, and without `ours`', () => {
    const once = dressed(service, ours)
    expect(dressed(once, ours)).toEqual(once)
    expect(dressed(service, nothing)).toEqual(service)
  })

  test('may be without pods, as a Route whose template is none', () => {
    expect(dressed({ kind: 'ConfigMap', metadata: { name: 'a' }, data: {} }, ours).metadata?.labels).toEqual({
      team: 'platform',
      app: 'plumbline',
    })
  })
})

test.each([
  ['node:24', 'r/library/node:24'],
  ['grafana/k6:1.8.1', 'r/grafana/k6:1.8.1'],
  ['docker.io/grafana/k6:1.8.1', 'r/grafana/k6:1.8.1'],
  ['localhost/node:24', 'r/node:24'],
  ['gcr.io:443/a/b@sha256:0', 'r/a/b@sha256:0'],
])('image %s is pulled as %s', (image, pulled) => {
  expect(pulledFrom('r', image)).toBe(pulled)
})
