import { expect, test } from 'vitest'
import { counted } from './counted.ts'

test.each([
  [0, '0 policies'],
  [1, '1 policy'],
  [2, '2 policies'],
])('%i is told with its noun', (number, told) => {
  expect(counted(number, 'policy', 'policies')).toBe(told)
  expect(counted(number, 'check')).toBe(number === 1 ? '1 check' : `${number} checks`)
})
