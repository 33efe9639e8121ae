import { describe, expect, test } from 'vitest'
import { answer, CORE, fakeApi } from '../../test/fake-api.ts'

/** An API that serves pods a page at a time; a token in `expired` is answered with 410. */
const paging = async (count: number, expired: string[] = []) => {
  const queries: string[] = []
  const fake = await fakeApi((request, response) => {
    if (request.path === '/api/v1') return answer(response, CORE)
    queries.push(String(request.query))
    const token = request.query.get('continue') ?? '0'
    if (expired.includes(token)) return answer(response, { code: 410, reason: 'Expired' }, 410)
    const from = Number(token)
    const to = Math.min(count, from + Number(request.query.get('limit') ?? count))
    answer(response, {
      metadata: { resourceVersion: '9', ...(to < count ? { continue: String(to) } : {}) },
      items: Array.from({ length: to - from }, (_, at) => ({
        metadata: { name: `pod-${from + at}`, managedFields: [{ manager: 'kubelet' }] },
      })),
    })
  })
  return Object.assign(fake, { queries })
}

describe('a LIST', () => {
  test('is read in pages of 500, and keeps no managedFields', async () => {
    await using fake = await paging(1200)
    const { items, resourceVersion } = await fake.api.list('v1/Pod', { labels: 'app=a' })
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(Array.from({ length: 1200 }, (_, at) => `pod-${at}`))
    expect(items[0]).toEqual({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod-0' } })
    expect(resourceVersion).toBe('9')
    expect(fake.queries).toEqual([
      'labelSelector=app%3Da&limit=500',
      'labelSelector=app%3Da&limit=500&continue=500',
      'labelSelector=app%3Da&limit=500&continue=1000',
    ])
  })

  test('whose pages expire is read anew, once, in one page', async () => {
    await using fake = await paging(1200, ['1000'])
    const { items } = await fake.api.list('v1/Pod')
    expect(items).toHaveLength(1200)
    expect(fake.queries.at(-1)).toBe('')
  })

  test('that is expired from its beginning is refused', async () => {
    await using fake = await paging(10, ['0'])
    await expect(fake.api.list('v1/Pod')).rejects.toThrow('HTTP 410')
    expect(fake.queries).toHaveLength(1)
  })
})
