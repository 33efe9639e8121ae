import { afterEach, describe, expect, test } from 'vitest'
import { setDeadlineFactor } from './deadlines.ts'
import { eventually } from './eventually.ts'
import { ClusterProblem, StackFailure } from './problem.ts'
import { inScope, Scope } from './scope.ts'

/** Gives the answers one after the other, the last for good; an Error is thrown. */
const answering = (...answers: (string | undefined | Error)[]) => {
  const asked = { times: 0 }
  const missing = () => {
    const answer = answers[Math.min(asked.times++, answers.length - 1)]
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  }
  return { asked, missing }
}
const problemOf = (wait: Promise<void>) => wait.catch((thrown: unknown) => thrown as Error)

// What waits in vain: what is met in the end has its whole deadline.
const inVain = () => setDeadlineFactor(0.02)
afterEach(() => setDeadlineFactor(1))

describe('eventually', () => {
  test('asks until nothing is missing', async () => {
    const { asked, missing } = answering('a', 'b', undefined)
    await eventually('a thing', missing, 'accessLogged')
    expect(asked.times).toBe(3)
  })

  test('asks for successes in a row, with a pause between them', async () => {
    const { asked, missing } = answering(undefined, 'a', undefined)
    const from = performance.now()
    await eventually('a thing', missing, 'configPush', { inARow: 4 })
    expect(asked.times).toBe(6)
    expect(performance.now() - from).toBeGreaterThan(4 * 20)
  })

  test('says what was last missing, and for how long', async () => {
    inVain()
    const problem = await problemOf(eventually('a route', answering('it answers 404').missing, 'accessLogged'))
    expect(problem).toBeInstanceOf(StackFailure)
    expect(problem).toHaveProperty(
      'message',
      expect.stringMatching(/^a route: it answers 404, after 0\.2 s \(asked \d+ times\)$/),
    )
  })

  test('says how many successes in a row there were', async () => {
    inVain()
    const wait = eventually('a route', answering(undefined).missing, 'accessLogged', { inARow: 10_000 })
    expect(await problemOf(wait)).toHaveProperty(
      'message',
      expect.stringMatching(/^a route: met \d+ times in a row, expected 10000 times, after 0\.2 s/),
    )
  })

  test('takes a failure of the stack, and trouble of the API server, as not yet', async () => {
    const trouble = new ClusterProblem('the API server answered 503', { transient: true })
    const { asked, missing } = answering(new StackFailure('pod a is gone'), trouble, undefined)
    await eventually('a thing', missing, 'configPush')
    expect(asked.times).toBe(3)
  })

  test('tells trouble of the API server that lasts as no failure of the stack', async () => {
    inVain()
    const trouble = new ClusterProblem('the API server answered 503', { transient: true })
    const problem = await problemOf(eventually('a thing', answering(trouble).missing, 'accessLogged'))
    expect(problem).toBeInstanceOf(ClusterProblem)
    expect(problem).toHaveProperty('message', expect.stringMatching(/^a thing: the API server answered 503, after/))
    const failing = eventually('a thing', answering(new StackFailure('gone')).missing, 'accessLogged')
    expect(await problemOf(failing)).toBeInstanceOf(StackFailure)
  })

  test.each([new ClusterProblem('no rights'), new Error('a bug')])('lets %s through at once', async (thrown) => {
    const { asked, missing } = answering(thrown)
    expect(await problemOf(eventually('a thing', missing, 'configPush'))).toBe(thrown)
    expect(asked.times).toBe(1)
  })

  test('ends with its check', async () => {
    const cut = new AbortController()
    const wait = inScope(new Scope('a/b', cut.signal, 'reads'), () =>
      eventually('a thing', answering('not yet').missing, 'check'),
    )
    cut.abort(new Error('cut short'))
    await expect(wait).rejects.toThrow('cut short')
  })
})
