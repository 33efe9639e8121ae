import { describe, expect, test } from 'vitest'
import { plainMessage } from './problem.ts'

const messageOf = (assertion: () => void): string => {
  try {
    assertion()
  } catch (problem) {
    return plainMessage(problem)
  }
  return 'nothing was thrown'
}

describe('the message of an assertion that does not hold', () => {
  test.each<[() => void, string]>([
    [() => expect(3, 'Pods').toBe(4), 'Pods: found 3, expected 4'],
    [() => expect(3, 'Pods').toBeGreaterThan(4), 'Pods: found 3, expected more than 4'],
    [() => expect(3, 'Pods').toBeGreaterThanOrEqual(4), 'Pods: found 3, expected at least 4'],
    [() => expect(['a'], 'Pods').toEqual(['b']), "Pods: found [ 'a' ], expected [ 'b' ]"],
    [() => expect('a', 'spec.type').toMatch(/b/), "spec.type: found 'a', expected a match for /b/"],
    [() => expect('a', 'spec.type').not.toMatch(/a/), "spec.type: found 'a', expected no match for /a/"],
    [() => expect('none', 'spec.type').not.toBe('none'), "spec.type: found 'none', expected another value"],
    [() => expect('a', 'log').toContain('b'), "log: found 'a', expected it to contain 'b'"],
    [() => expect(undefined, 'Service a/b, port 80').toBeDefined(), 'Service a/b, port 80: not found'],
    [() => expect('to be or not', 'a: b').toBe('x'), "a: b: found 'to be or not', expected 'x'"],
    [() => expect(1).toBe(2), 'found 1, expected 2'],
  ])('names what was found before what was expected (%#)', (assertion, message) => {
    expect(messageOf(assertion)).toBe(message)
  })

  test('of another error stays as it is', () => {
    expect(plainMessage(new Error('expected a to be b'))).toBe('expected a to be b')
  })
})
