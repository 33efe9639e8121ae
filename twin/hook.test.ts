import { expect, test } from 'vitest'
import { Objects } from './api/objects.ts'
import { hooksOf } from './defects.ts'
import { Hook } from './hook.ts'

test('a hook gives the value as it is, and as each defect in force leaves it', () => {
  const states = [
    { isActive: false, since: undefined },
    { isActive: false, since: undefined },
  ]
  const hook = new Hook<number, { factor: number }>()
  hook.alter(states[0]!, (value, { factor }) => value * factor)
  hook.alter(states[1]!, (value) => value + 1)
  expect(hook.apply(5, { factor: 2 })).toBe(5)
  states[1]!.isActive = true
  expect(hook.apply(5, { factor: 2 })).toBe(6)
  states[0]!.isActive = true
  expect(hook.apply(5, { factor: 2 })).toBe(11)
})

test('a defect is in force while there is a Defect object of its name', () => {
  const objects = new Objects()
  const { kubernetes } = hooksOf(objects)
  const defect = {
    apiVersion: 'twin.plumbline.dev/v1',
    kind: 'Defect',
    metadata: { name: 'admission-fails-open' },
  }
  expect(kubernetes.failurePolicy.apply('Fail')).toBe('Fail')
  objects.store.put('defects.twin.plumbline.dev', defect)
  expect(kubernetes.failurePolicy.apply('Fail')).toBe('Ignore')
  objects.store.remove('defects.twin.plumbline.dev', defect)
  expect(kubernetes.failurePolicy.apply('Fail')).toBe('Fail')
})
