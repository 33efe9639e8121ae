import { afterEach, describe, expect, test } from 'vitest'
import { setDeadlineFactor } from '../core/deadlines.ts'
import { ClusterProblem, StackFailure } from '../core/problem.ts'
import { answer, fakeApi } from '../../test/fake-api.ts'
import { askPod } from './forward.ts'

const POD = { namespace: 'a', name: 'b', port: 15000 }
const problemOf = (call: Promise<unknown>) => call.then(String, (thrown: unknown) => thrown as Error)

afterEach(() => setDeadlineFactor(1))

describe('a request by port forwarding', () => {
  test('that the API server does not take is tried again, and then a problem of the cluster', async () => {
    let asked = 0
    await using fake = await fakeApi((_, response) => {
      asked++
      answer(response, { message: 'busy' }, 503)
    })
    const problem = await problemOf(askPod(fake.api, POD, { path: '/ready' }))
    expect(problem).toBeInstanceOf(ClusterProblem)
    expect(problem).toHaveProperty(
      'message',
      expect.stringMatching(/^port forwarding to pod a\/b: the API server answered 503 \(tried 4 times\)$/),
    )
    expect(asked).toBe(4)
  })

  test('that we may not make is asked once, and names the right', async () => {
    let asked = 0
    await using fake = await fakeApi((_, response) => {
      asked++
      answer(response, { message: 'forbidden' }, 403)
    })
    const problem = await problemOf(askPod(fake.api, POD, { path: '/ready' }))
    expect(problem).toMatchObject({
      name: 'NotLookedAt',
      message:
        'Pod a/b was not asked: this account may not create pods/portforward in namespace a; ' +
        'docs/rbac/stack-namespace.yaml grants it.',
    })
    expect(asked).toBe(1)
  })

  test('to a pod that is gone is a failure of the stack', async () => {
    await using fake = await fakeApi((_, response) => answer(response, { message: 'not found' }, 404))
    const problem = await problemOf(askPod(fake.api, POD, { path: '/ready' }))
    expect(problem).toBeInstanceOf(StackFailure)
    expect(problem).toHaveProperty('message', expect.stringMatching(/^Port 15000 of pod a\/b does not answer .* 404$/))
  })

  test('that is never answered ends by its time limit', async () => {
    await using fake = await fakeApi(() => undefined)
    setDeadlineFactor(0.005)
    const problem = await problemOf(askPod(fake.api, POD, { path: '/ready' }))
    expect(problem).toBeInstanceOf(ClusterProblem)
    expect(problem).toHaveProperty(
      'message',
      expect.stringMatching(/^port forwarding to pod a\/b: the API server at .* did not answer in time$/),
    )
  })
})
