import { describe, expect, test } from 'vitest'
import { adapt, registryOf } from './knative.ts'
import { stackSchema } from '../config/stack-schema.ts'

describe("a release's object on kind", () => {
  const config = stackSchema.parse({ target: 'kind', bring: { domain: 'example.com' }, images: { onNodes: true } })

  test('gets the domain as a key of its own', () => {
    expect(
      adapt({ kind: 'ConfigMap', metadata: { name: 'config-domain' }, data: { _example: 'x' } }, config).data,
    ).toEqual({ _example: 'x', 'example.com': '' })
  })

  test('lets a drain go on', () => {
    expect(
      adapt({ kind: 'PodDisruptionBudget', metadata: { name: 'activator-pdb' }, spec: { minAvailable: '80%' } }, config)
        .spec,
    ).toEqual({ minAvailable: 1 })
  })

  test('looks up no tag of an image that is on the nodes', () => {
    expect(
      adapt({ kind: 'ConfigMap', metadata: { name: 'config-deployment' }, data: {} }, config).data[
        'registries-skipping-tag-resolving'
      ],
    ).toContain('index.docker.io')
    expect(registryOf('node:24')).toBe('index.docker.io')
    expect(registryOf('ghcr.io/a/b:1')).toBe('ghcr.io')
    expect(registryOf('localhost:5000/a')).toBe('localhost:5000')
  })
})
