import { beforeAll, describe, expect, test } from 'vitest'
import { addMatchers } from './matchers.ts'

beforeAll(addMatchers)

describe('a list that should be empty', () => {
  test('passes when it is', () => expect([], 'Pods that are not Ready').toBeNone())

  test('fails with its entries', () => {
    expect(() => expect(['a/b: Pending'], 'Pods that are not Ready').toBeNone()).toThrow(
      /^Pods that are not Ready: a\/b: Pending$/,
    )
  })

  test('fails with the number of several entries, and lists the first ten', () => {
    expect(() => expect(['a', 'b'], 'Pods').toBeNone()).toThrow(/^Pods: a; b \(2\)$/)
    expect(() =>
      expect(
        Array.from({ length: 12 }, (_, at) => at),
        'Pods',
      ).toBeNone(),
    ).toThrow(/^Pods: 0; 1; 2; 3; 4; 5; 6; 7; 8; 9; and 2 more \(12\)$/)
  })
})

describe('a condition', () => {
  test('passes when it holds', () => expect(true).toHold('1 of 2 pods is Ready'))

  test('fails with its sentence alone', () => {
    expect(() => expect(false).toHold('1 of 2 pods is Ready')).toThrow(/^1 of 2 pods is Ready$/)
  })
})
