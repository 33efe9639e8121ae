import { describe, expect, test } from 'vitest'
import { countScrapable, thresholdOf } from './expiry-alert.ts'

describe('the threshold of the alert about certificates', () => {
  test.each([
    ['certmanager_certificate_expiration_timestamp_seconds - time() < 86400 * 30', 2_592_000],
    ['(certmanager_certificate_expiration_timestamp_seconds{namespace="a"} - time()) < (21 * 24 * 3600)', 1_814_400],
    ['certmanager_certificate_expiration_timestamp_seconds - time() < 1814400', 1_814_400],
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
