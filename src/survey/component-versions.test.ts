import { expect, test } from 'vitest'
import { componentVersions } from './component-versions.ts'
import { absent, found, unknown } from './fact.ts'
import type { Survey } from './survey.ts'

const istiod = (name: string, version: string) => ({
  workload: { namespace: 'mesh', name },
  version: found(version, 'GET /version'),
})
const survey = (more: object = {}) =>
  ({
    platform: { kubernetes: found('1.34.4', 'GET /version') },
    istiods: found([istiod('istiod-old', '1.30.3'), istiod('istiod-new', '1.31.0')], 'test'),
    gateways: found(
      [
        {
          role: 'certified',
          istiod: found('mesh/istiod-new', 'syncz'),
          balancer: found({ maker: 'metallb', controller: { version: '0.15.2' } }, 'annotation'),
        },
      ],
      'test',
    ),
    knative: found(
      { version: unknown('an image by digest'), components: { 'net-istio-controller': { version: '1.22.0' } } },
      'test',
    ),
    certManager: absent('not installed'),
    ...more,
  }) as unknown as Survey

test('are those that are known: of the istiod that configures the gateway, and of who makes its load balancer', () => {
  expect(componentVersions(survey())).toEqual({
    kubernetes: '1.34.4',
    istio: '1.31.0',
    'net-istio': '1.22.0',
    metallb: '0.15.2',
  })
})

test('a balancer of another maker has none, and what could not be looked at is left out', () => {
  const gateways = found([{ role: 'certified', istiod: unknown('?'), balancer: found({ maker: 'cilium' }, '') }], '')
  const versions = componentVersions(survey({ gateways, istiods: unknown('may not list pods'), knative: absent('') }))
  expect(versions).toEqual({ kubernetes: '1.34.4' })
})
