import { expect, test } from 'vitest'
import type { Istiod } from '../survey/survey.ts'
import { isTooOld } from './istiod-versions.ts'
import type { Proxy } from './proxies.ts'

const proxy = (istio_version: string, name: string): Proxy => ({
  ...{ proxy: 'a.b', istio_version },
  istiod: { workload: { namespace: 'mesh', name } } as Istiod,
})
const versions = new Map([
  ['mesh/new', ['1.31.0', '1.30.3']],
  ['mesh/old', ['1.28.1']],
])

test('a proxy is measured by its own istiod, and by the newest of its pods', () => {
  expect(isTooOld(proxy('1.27.4', 'old'), versions)).toBe(false)
  expect(isTooOld(proxy('1.28.1', 'new'), versions)).toBe(true)
  expect(isTooOld(proxy('1.30.0', 'new'), versions)).toBe(false)
})

test('one without a version counts as too old', () => {
  expect(isTooOld(proxy('', 'new'), versions)).toBe(true)
})
