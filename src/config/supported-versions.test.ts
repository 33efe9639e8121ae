import { describe, expect, test } from 'vitest'
import { UnknownVersion } from '../core/problem.ts'
import {
  compareMinors,
  istioTestedWith,
  minorOf,
  plainVersion,
  SUPPORT,
  supportOf,
  supportsKubernetes,
} from './supported-versions.ts'

describe('versions', () => {
  test('are read whatever a vendor adds', () => {
    expect(minorOf('v1.31.4-eks-a1b2')).toBe('1.31')
    expect(plainVersion('v1.31.0-lab')).toBe('1.31.0')
    expect(compareMinors('1.9', '1.19')).toBeLessThan(0)
    expect(minorOf('unknown')).toBeUndefined()
  })

  test.each([
    ['knative', '1.9.4', '1.24.0', true],
    ['knative', '1.9.4', '1.23.17', false],
    ['knative', '1.23.0', '1.34.0-eks-1', true],
    ['istio', '1.30.3', '1.36.2', true],
    ['istio', '1.30.3', '1.37.0', false],
    ['cert-manager', 'v1.20.3', '1.31.9', false],
  ] as const)('%s %s on Kubernetes %s: %s', (component, version, kubernetes, supported) => {
    expect(supportsKubernetes(supportOf(component, version), kubernetes)).toBe(supported)
  })

  test.each([
    ['1.99.0', 'does not know Knative 1.99.0 (newest known: 1.23): update Plumbline. This says nothing'],
    ['1.2.0', 'does not know Knative 1.2.0 (oldest known: 1.8). This says nothing about your cluster.'],
    ['unknown', 'does not know Knative unknown (newest known: 1.23): update Plumbline. This says nothing'],
  ])('of Knative that are not known are no fault of the cluster: %s', (version, message) => {
    expect(() => supportOf('knative', version)).toThrow(message)
    expect(() => supportOf('knative', version)).toThrow(UnknownVersion)
  })

  test('of net-istio have the Istio that they are tested with', () => {
    expect(istioTestedWith('1.22.3')).toBe('1.29')
    expect(() => istioTestedWith('1.99.0')).toThrow(UnknownVersion)
  })

  test('have a source each', () => {
    for (const row of SUPPORT) expect(row.source, row.minor).toMatch(/\S/)
  })
})
