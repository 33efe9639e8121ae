import { expect, it } from 'vitest'
import { SETTING_TABLES } from './setting-tables.ts'
import { compareSettings, tellSettings } from './settings-that-differ.ts'

it('has a default that parses for every key', () => {
  const wrong = Object.entries(SETTING_TABLES).flatMap(([map, table]) =>
    Object.entries(table)
      .filter(([, setting]) => setting.default !== '' && setting.wrong(setting.default) !== undefined)
      .map(([key]) => `${map} ${key}`),
  )
  expect(wrong).toEqual([])
})

it('lists what differs from the defaults, however they are written', () => {
  const { different, troubles, keys } = compareSettings({
    'config-autoscaler': { 'stable-window': '1m', 'max-scale-down-rate': '2.0', 'target-burst-capacity': '-1' },
    'config-network': { 'external-domain-tls': 'Disabled', 'http-protocol': 'Redirected', 'auto-tls': 'enabled' },
    'config-domain': { 'apps.test': '' },
  })
  expect(troubles).toEqual([])
  expect(keys).toBe(6)
  expect(tellSettings(different)).toBe(
    'config-autoscaler target-burst-capacity: -1 (default: 211)\n' +
      'config-network http-protocol: Redirected (default: enabled)',
  )
})

it('tells a key that no release knows with the nearest one, and a value that does not parse', () => {
  const { troubles } = compareSettings({
    'config-autoscaler': { 'stable-windw': '60s', 'max-scale': 'many' },
    'config-deployment': { 'queue-sidecar-cpu-request': 'a lot' },
    'config-features': { 'multi-container': 'yes' },
    'config-logging': { 'loglevel.webhook': 'info' },
  })
  expect(troubles).toEqual([
    'ConfigMap config-autoscaler, key stable-windw: unknown key, did you mean stable-window?',
    'ConfigMap config-autoscaler, key max-scale: "many" is not an integer',
    'ConfigMap config-deployment, key queue-sidecar-cpu-request: "a lot" is not a quantity such as 25m or 400Mi',
    'ConfigMap config-features, key multi-container: "yes" is none of enabled, disabled, allowed',
  ])
})

it.each([
  ['config-defaults', 'container-concurrency', '1', 'one request at a time'],
  ['config-deployment', 'queue-sidecar-cpu-request', '10m', 'less than the 25m'],
  ['config-autoscaler', 'max-scale-up-rate', '1.1', 'a factor of 1.1'],
])('says why %s %s: %s hurts', (map, key, value, reason) => {
  const { different } = compareSettings({ [map]: { [key]: value } })
  expect(different[0]?.hurts).toContain(reason)
})

it('does not say that a value hurts which does not', () => {
  const { different } = compareSettings({ 'config-defaults': { 'container-concurrency': '10' } })
  expect(different).toEqual([{ map: 'config-defaults', key: 'container-concurrency', value: '10', default: '0' }])
})
