import { expect, test } from 'vitest'
import { memoryBytes, milliCpu } from './quantities.ts'

test.each([
  ['250m', 250],
  ['2', 2000],
  ['0.5', 500],
  ['1k', 1_000_000],
])('%s is %d thousandths of a CPU', (quantity, milli) => {
  expect(milliCpu(quantity)).toBe(milli)
})

test.each([
  ['0', 0],
  ['32Mi', 2 ** 25],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['1Ti', 2 ** 40],
  ['5M', 5_000_000],
])('%s is %d bytes', (quantity, bytes) => {
  expect(memoryBytes(quantity)).toBe(bytes)
})

test('an unknown suffix is an error', () => {
  expect(() => memoryBytes('5Q')).toThrow('Unknown suffix: Q')
})
