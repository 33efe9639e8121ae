import { describe, expect, test } from 'vitest'
import { countScrapable, firstToFire, thresholdOf } from './expiry-alert.ts'

describe('the threshold of the alert about certificates', () => {
  test.each([
    ['certmanager_certificate_expiration_timestamp_seconds - time() < 86400 * 30', 2_592_000],
    ['(certmanager_certificate_expiration_timestamp_seconds{namespace="a"} - time()) < (21 * 24 * 3600)', 1_814_400],
    ['certmanager_certificate_expiration_timestamp_seconds - time() < 1814400', 1_814_400],
    [
      'avg by (exported_namespace, namespace, name) (certmanager_certificate_expiration_timestamp_seconds - time())' +
        ' < (21 * 24 * 3600)',
      1_814_400,
    ],
    ['(certmanager_certificate_expiration_timestamp_seconds - time()) / 86400 < 21', 1_814_400],
    ['(certmanager_certificate_expiration_timestamp_seconds - time()) / (60 * 60 * 24) < 7', 604_800],
    ['min(certmanager_certificate_expiration_timestamp_seconds{}) by (name) - time() < 86400', NaN],
    ['avg(up) < 1', NaN],
  ])('%s', (query, seconds) => {
    expect(thresholdOf(query)).toBe(seconds)
  })
})

test('a Certificate must be in the metric once it was issued some minutes ago', () => {
  const now = Date.parse('2026-01-01T00:10:00Z')
  const issued = (lastTransitionTime: string, status = 'True') => ({
    status: { conditions: [{ type: 'Ready', status, lastTransitionTime }] },
  })
  expect(
    countScrapable(
      [issued('2026-01-01T00:00:00Z'), issued('2026-01-01T00:09:00Z'), issued('2026-01-01T00:00:00Z', 'False'), {}],
      now,
    ),
  ).toBe(1)
})

describe('the rule that fires first', () => {
  const on = (name: string, days: number) => ({
    name,
    query: `certmanager_certificate_expiration_timestamp_seconds - time() < 86400 * ${days}`,
  })

  test('is told by its metric, whatever its name', () => {
    expect(firstToFire([{ name: 'Other', query: 'up < 1' }, on('Critical', 7), on('Warning', 21)])).toMatchObject({
      name: 'Warning',
      threshold: 1_814_400,
    })
  })

  test('must be there, and tell when it fires', () => {
    expect(() => firstToFire([{ name: 'Other', query: 'up < 1' }])).toThrow(
      'Prometheus: no alerting rule on certmanager_certificate_expiration_timestamp_seconds is loaded.',
    )
    const query = 'predict_linear(certmanager_certificate_expiration_timestamp_seconds[1h], 60) < 0'
    expect(() => firstToFire([{ name: 'Odd', query }])).toThrow(`when Odd fires cannot be read from ${query}.`)
  })
})
