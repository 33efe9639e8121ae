import { nearestKey } from '../config/nearest-key.ts'
import { goDuration } from './go-duration.ts'
import { isKnownKey, SETTING_TABLES } from './setting-tables.ts'

/** A key that somebody set to another value than the release has. */
export interface DifferentSetting {
  map: string
  key: string
  value: string
  default: string
  /** Why this value is known to hurt. */
  hurts?: string
}

/** What the ConfigMaps of one installation come to. */
export interface SettingsFound {
  different: DifferentSetting[]
  /** A sentence for each key that no release knows, and for each value that does not parse. */
  troubles: string[]
  keys: number
}

type Hurts = (value: string) => string | undefined

/** Values that have hurt people, and how. */
const HURTS: Readonly<Record<string, Hurts>> = {
  'config-defaults container-concurrency': (value) =>
    value === '1'
      ? 'every Service without a containerConcurrency of its own handles one request at a time: each burst starts a ' +
        'pod for each request'
      : undefined,
  'config-deployment queue-sidecar-cpu-request': (value) =>
    milliCpu(value) < 25
      ? 'queue-proxy gets less than the 25m of its default: under load it is throttled, and every request waits for it'
      : undefined,
  'config-deployment queue-sidecar-cpu-limit': (value) =>
    value !== '' && milliCpu(value) < 100
      ? 'queue-proxy may use less than 100m: under load it is throttled, and every request waits for it'
      : undefined,
  'config-autoscaler max-scale-up-rate': (value) =>
    Number(value) < 2
      ? `in one step pods grow by a factor of ${value} at most: a burst is not followed for minutes`
      : undefined,
  'config-autoscaler target-burst-capacity': (value) =>
    value === '0' ? 'the activator leaves the path as soon as a pod is there: a burst meets full pods' : undefined,
}

const milliCpu = (value: string): number => (value.endsWith('m') ? Number(value.slice(0, -1)) : Number(value) * 1000)

/** Two values that Knative reads alike: numbers, durations and words in any case. */
function sameValue(one: string, other: string): boolean {
  if (one.trim().toLowerCase() === other.toLowerCase()) return true
  const [a, b] = [goDuration(one), goDuration(other)]
  if (a !== undefined && b !== undefined) return a === b
  return one.trim() !== '' && other !== '' && Number(one) === Number(other)
}

/**
 * Compares Knative's ConfigMaps (name to data, without `_example`) with their defaults. Maps whose keys are their
 * users' own are passed over.
 */
export function compareSettings(maps: Readonly<Record<string, Readonly<Record<string, string>>>>): SettingsFound {
  const found: SettingsFound = { different: [], troubles: [], keys: 0 }
  for (const [map, data] of Object.entries(maps)) {
    const table = SETTING_TABLES[map]
    if (!table) continue
    for (const [key, value] of Object.entries(data)) {
      found.keys++
      const setting = table[key]
      if (!isKnownKey(map, key)) {
        const nearest = nearestKey(key, Object.keys(table))
        found.troubles.push(`ConfigMap ${map}, key ${key}: unknown key, did you mean ${nearest}?`)
      }
      const wrong = setting?.wrong(value)
      if (wrong) found.troubles.push(`ConfigMap ${map}, key ${key}: ${wrong}`)
      if (!setting || wrong || sameValue(value, setting.default)) continue
      const hurts = HURTS[`${map} ${key}`]?.(value)
      found.different.push({ map, key, value, default: setting.default, ...(hurts ? { hurts } : {}) })
    }
  }
  return found
}

/** The settings that differ as lines, for the report: map, key, value, default. */
export const tellSettings = (different: readonly DifferentSetting[]): string =>
  different
    .map(
      ({ map, key, value, default: usual }) =>
        `${map} ${key}: ${shortened(value)} (default: ${usual === '' ? 'not set' : usual})`,
    )
    .join('\n')

const shortened = (value: string): string => {
  const line = value.replaceAll(/\s+/g, ' ').trim()
  return line.length > 80 ? `${line.slice(0, 77)}...` : line
}
