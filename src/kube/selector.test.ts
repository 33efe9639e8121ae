import { expect, test } from 'vitest'
import { labelQuery, selectedByService, selects, type LabelSelector } from './selector.ts'

const LABELS = { app: 'web', tier: 'front' }
const expression = (operator: string, key: string, ...values: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, values }],
})

test.each<[string, LabelSelector | undefined, boolean]>([
  ['none', undefined, false],
  ['an empty one', {}, true],
  ['labels that are there', { matchLabels: { app: 'web' } }, true],
  ['labels of which one differs', { matchLabels: { app: 'web', tier: 'back' } }, false],
  ['In', expression('In', 'app', 'web', 'api'), true],
  ['In, without the label', expression('In', 'zone', 'a'), false],
  ['NotIn', expression('NotIn', 'app', 'web'), false],
  ['NotIn, without the label', expression('NotIn', 'zone', 'a'), true],
  ['Exists', expression('Exists', 'app'), true],
  ['DoesNotExist', expression('DoesNotExist', 'app'), false],
])('a selector: %s', (_, selector, selected) => expect(selects(selector, LABELS)).toBe(selected))

test('a selector with an operator that there is not', () => {
  expect(() => selects(expression('Near', 'app'), LABELS)).toThrow(/operator is Near/)
})

test.each<[string, Record<string, string> | undefined, boolean]>([
  ['none', undefined, false],
  ['an empty one', {}, false],
  ['labels that are there', { app: 'web' }, true],
  ['labels that differ', { app: 'api' }, false],
])('the selector of a Service: %s', (_, selector, selected) =>
  expect(selectedByService(selector, LABELS)).toBe(selected),
)

test('labels as a LIST takes them', () => expect(labelQuery(LABELS)).toBe('app=web,tier=front'))
