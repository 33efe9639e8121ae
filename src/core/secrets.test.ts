import { expect, test } from 'vitest'
import { keepSecret, toShownJson } from './secrets.ts'

test('a value that is kept secret stands in no JSON, whole or in parts', () => {
  keepSecret('Bearer of-a"quote')
  const json = toShownJson({ seen: 'header Bearer of-a"quote, found 401', evidence: ['token of-a"quote'] })
  expect(JSON.parse(json)).toEqual({ seen: 'header (not shown), found 401', evidence: ['token (not shown)'] })
})

test('a value too short to be a secret stays', () => {
  keepSecret('pods')
  expect(toShownJson({ seen: '1 pods' })).toBe('{"seen":"1 pods"}')
})
