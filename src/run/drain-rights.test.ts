import { expect, test } from 'vitest'
import { answer, fakeApi } from '../../test/fake-api.ts'
import { missingDrainRights } from './drain-rights.ts'

/** What is said of an account that may do what `allowed` says by resource. */
async function missing(allowed: (resource: string) => boolean, code = 201) {
  await using fake = await fakeApi((request, response) => {
    const { spec } = JSON.parse(request.text) as { spec: { resourceAttributes: { resource: string } } }
    answer(response, { status: { allowed: allowed(spec.resourceAttributes.resource) } }, code)
  })
  return await missingDrainRights(fake.api)
}

test('rights to drain are to evict pods and to cordon nodes', async () => {
  expect(await missing(() => true)).toBeUndefined()
  expect(await missing((resource) => resource === 'pods')).toBe(
    'this account may not patch nodes: grant that to drain nodes, or use another context',
  )
  expect(await missing(() => false)).toMatch(/^this account may not create pods\/eviction and patch nodes:/)
})

test('rights that an API server tells nobody are taken to be there', async () => {
  expect(await missing(() => false, 404)).toBeUndefined()
})
