import { describe, expect, test } from 'vitest'
import { found, unknown } from '../survey/fact.ts'
import type { Gateway, Survey } from '../survey/survey.ts'
import { fixtureValues } from './fixture-values.ts'

/** A cluster that was surveyed: one gateway with these ports, in the way of Helm's chart. */
function surveyed(ports: Gateway['ports']) {
  const gateway = {
    role: 'certified',
    service: { namespace: 'ingress', name: 'public' },
    labels: { istio: 'ingress', app: 'public' },
    ports,
  } as unknown as Gateway
  const platform = { clusterDomain: unknown('no'), served: { 'networking.istio.io/Gateway': 'v1beta1' } }
  const survey = { platform, gateways: found([gateway], 'config-istio') } as unknown as Survey
  return { survey: () => Promise.resolve(survey) }
}

const PORTS = [
  { name: 'http2', port: 8000, target: 80 },
  { name: 'https', port: 443, target: 443 },
]

describe('what a fixture takes from the survey', () => {
  test('is what its gateway has', async () => {
    const names = ['gatewayLabels', 'httpPort', 'httpsPort', 'networkingApi', 'clusterDomain']
    expect(await fixtureValues(surveyed(PORTS), names)).toEqual({
      gatewayLabels: '{"istio":"ingress","app":"public"}',
      httpPort: '8000',
      httpsPort: '443',
      networkingApi: 'networking.istio.io/v1beta1',
      clusterDomain: 'cluster.local',
    })
  })

  test('leaves other names to the caller', async () => {
    expect(await fixtureValues(surveyed([]), ['namespace', 'host'])).toEqual({})
  })

  test('does not apply where the gateway has no port for plain HTTP', async () => {
    await expect(fixtureValues(surveyed([PORTS[1]!]), ['httpPort'])).rejects.toThrow(
      'Service ingress/public, the gateway, has no port for HTTP.',
    )
  })
})
