import { expect, test } from 'vitest'
import { quantity } from './quantity.ts'

test.each([
  ['250m', 0.25],
  ['2', 2],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['128M', 128e6],
])('%s is %d', (text, number) => {
  expect(quantity(text)).toBe(number)
})
