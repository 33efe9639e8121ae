import { check } from '../../src/check/check.ts'
import { SETTING_TABLES } from '../../src/knative/setting-tables.ts'
import { compareSettings, tellSettings } from '../../src/knative/settings-that-differ.ts'
import { counted } from '../../src/core/counted.ts'

check(
  'knative/settings',
  {
    asserts:
      "each key of Knative's ConfigMaps is known to this version and its value parses; those that differ from the " +
      "release's defaults are listed",
    guide: '4',
    level: 'recommended',
    effect: 'reads',
    remedy: [
      'Correct the key or the value: Knative ignores a key that it does not know',
      "Compare it with the ConfigMap's _example, which has every key of the release",
    ],
  },
  async ({ stack, expect, attach, remark, measure }) => {
    const names = Object.keys(SETTING_TABLES)
    const maps = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await stack.knative.settings(name)] as const)),
    )
    const { different, troubles, keys } = compareSettings(maps)
    expect(troubles, "Settings of Knative's ConfigMaps that do not hold").toBeNone()
    attach('settings that differ from the defaults', tellSettings(different) || 'none')
    measure('settings that differ', different.length, 'settings')
    for (const { map, key, value, hurts } of different) if (hurts) remark(`${map}, ${key} is ${value}: ${hurts}`)
    return (
      `${counted(keys, 'key is', 'keys are')} set, ${different.length} ` +
      `of them differ from the defaults of the release`
    )
  },
)
