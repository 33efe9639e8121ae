import { describe, expect, test } from 'vitest'
import { PromiseCache } from './promise-cache.ts'

describe('a cache of promises', () => {
  test('makes each once', async () => {
    const cache = new PromiseCache<number>()
    let made = 0
    const make = () => Promise.resolve(++made)
    expect(await Promise.all([cache.get('a', make), cache.get('a', make), cache.get('b', make)])).toEqual([1, 1, 2])
    expect(await cache.get('a', make)).toBe(1)
    cache.clear()
    expect(await cache.get('a', make)).toBe(3)
  })

  test('forgets one that failed, and not the one that took its place', async () => {
    const cache = new PromiseCache<number>()
    const failing = Promise.withResolvers<number>()
    const first = cache.get('a', () => failing.promise)
    cache.clear()
    const second = cache.get('a', () => Promise.resolve(2))
    failing.reject(new Error('503'))
    await expect(first).rejects.toThrow('503')
    await expect(second).resolves.toBe(2)
    await expect(cache.get('a', () => Promise.reject(new Error('not asked')))).resolves.toBe(2)
    await expect(cache.get('b', () => Promise.reject(new Error('503')))).rejects.toThrow('503')
    await expect(cache.get('b', () => Promise.resolve(4))).resolves.toBe(4)
  })

  test('shares what is in flight, and makes it anew afterwards', async () => {
    const cache = new PromiseCache<number>()
    let made = 0
    const make = () => Promise.resolve(++made)
    expect(await Promise.all([cache.inFlight('a', make), cache.inFlight('a', make)])).toEqual([1, 1])
    expect(await cache.inFlight('a', make)).toBe(2)
  })
})
