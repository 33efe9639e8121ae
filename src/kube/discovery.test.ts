import { expect, test } from 'vitest'
import { Discovery } from './discovery.ts'
import { ApiRefusal } from './errors.ts'

test('discovery that failed is made again', async () => {
  const asked: string[] = []
  const discovery = new Discovery((path) => {
    asked.push(path)
    if (asked.filter((each) => each === path).length === 1) return Promise.reject(new Error('503'))
    return Promise.resolve({ groups: [{ name: 'apps', versions: [{ version: 'v1' }] }], resources: [] })
  })
  await expect(discovery.groups()).rejects.toThrow('503')
  expect(await discovery.groups()).toHaveLength(1)
  await expect(discovery.resource('v1', 'Pod')).rejects.toThrow('503')
  expect(await discovery.resource('v1', 'Pod')).toBeUndefined()
  expect(asked).toEqual(['/apis', '/apis', '/api/v1', '/api/v1'])
})

test('a group version that is not there has no resources', async () => {
  const discovery = new Discovery(() => Promise.reject(new ApiRefusal('GET', { code: 404 })))
  expect(await discovery.resource('a.example/v1', 'Thing')).toBeUndefined()
})
