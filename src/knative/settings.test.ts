import { describe, expect, test } from 'vitest'
import { AUTOSCALER_SETTINGS, requiredComponents, metricsOf, settingTroubles } from './settings.ts'
import { nearestKey } from '../config/nearest-key.ts'

describe("Knative's settings", () => {
  const troubles = (settings: Record<string, string>) => settingTroubles(settings, AUTOSCALER_SETTINGS, nearestKey)

  test('that are known and parse are no trouble', () => {
    expect(
      troubles({
        'stable-window': '1m',
        'target-burst-capacity': '-1',
        'max-scale-down-rate': '1.1',
        'enable-scale-to-zero': 'false',
        'container-concurrency-target-percentage': '0.7',
      }),
    ).toEqual([])
  })

  test.each([
    [{ 'stable-windw': '60s' }, 'stable-windw: unknown key, did you mean stable-window?'],
    [{ 'max-scale-down-rate': '1' }, 'max-scale-down-rate: 1 is not greater than 1'],
    [{ 'stable-window': '5s' }, 'stable-window: 5s is outside the range 6 s to 3600 s'],
    [{ 'stable-window': 'long' }, 'stable-window: "long" is not a duration such as 30s'],
    [{ 'initial-scale': '1.5' }, 'initial-scale: "1.5" is not an integer'],
    [{ 'target-burst-capacity': '-2' }, 'target-burst-capacity: -2 is less than 0'],
    [{ 'enable-scale-to-zero': 'yes' }, 'enable-scale-to-zero: "yes" is neither true nor false'],
  ])('%j is told', (settings, trouble) => {
    expect(troubles(settings)).toEqual([trouble])
  })

  test('and names are by version', () => {
    expect(requiredComponents('1.9.4')).toContain('domain-mapping')
    expect(requiredComponents('1.22.1')).not.toContain('domain-mapping')
    expect(metricsOf('1.18.0').autoscaler.test('# HELP x\nautoscaler_desired_pods{a="b"} 1')).toBe(true)
    expect(metricsOf('1.22.1').autoscaler.test('kn_revision_pods_desired{a="b"} 1')).toBe(true)
    expect(metricsOf('1.22.1').autoscaler.test('autoscaler_desired_pods{a="b"} 1')).toBe(false)
  })
})
