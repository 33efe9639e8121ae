import { describe, expect, test } from 'vitest'
import { ClusterProblem, StackFailure } from '../core/problem.ts'
import { inScope, Scope } from '../core/scope.ts'
import { ApiRefusal, refusalOf } from './errors.ts'
import { answer, CORE, fakeApi, type Handler } from '../../test/fake-api.ts'

const withPods =
  (handle: Handler): Handler =>
  (request, response) =>
    request.path === '/api/v1' ? answer(response, CORE) : handle(request, response)

const refusing = (code: number, message: string) =>
  withPods((_, response) => answer(response, { kind: 'Status', code, message }, code))

describe('what the API refuses is one plain sentence', () => {
  test('no rights: which verb on which resource', async () => {
    await using fake = await fakeApi(
      refusing(403, 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" at the cluster scope'),
    )
    const problem = await fake.api.list('v1/Pod').catch((thrown: unknown) => thrown)
    expect(problem).toBeInstanceOf(ClusterProblem)
    expect((problem as Error).message).toBe(
      'No rights: jane may not list pods in all namespaces; grant the verb list on pods, or use another context.',
    )
  })

  test('an expired token', async () => {
    await using fake = await fakeApi(refusing(401, 'Unauthorized'))
    await expect(fake.api.list('v1/Pod')).rejects.toThrow(/does not accept these credentials \(401\): renew the token/)
  })

  test('a kind that is not served', async () => {
    await using fake = await fakeApi((_, response) =>
      answer(response, { code: 404, message: '404 page not found' }, 404),
    )
    const problem = await fake.api.list('serving.knative.dev/v1/Service').catch((thrown: unknown) => thrown)
    expect(problem).toBeInstanceOf(StackFailure)
    expect((problem as Error).message).toContain('does not serve Service of serving.knative.dev/v1: its CRD is missing')
  })

  test('no server at all', async () => {
    const fake = await fakeApi(() => undefined)
    await fake[Symbol.asyncDispose]()
    await expect(fake.api.json('/version')).rejects.toThrow(/does not answer \(ECONNREFUSED\): check that it is up/)
  })

  test("a webhook's own words are kept", async () => {
    await using fake = await fakeApi(refusing(400, 'admission webhook denied the request:\n  no'))
    const call = fake.api.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'b' } })
    await expect(call).rejects.toBeInstanceOf(ApiRefusal)
    expect(await refusalOf(call)).toBe('admission webhook denied the request: no')
    expect(await refusalOf(Promise.resolve('accepted'))).toBe('nothing: it was accepted')
  })
})

describe('objects', () => {
  test('that are not there are undefined to find, a failure to get', async () => {
    await using fake = await fakeApi(refusing(404, 'pods "a" not found'))
    expect(await fake.api.find('v1/Pod', 'a', 'b')).toBeUndefined()
    await expect(fake.api.get('v1/Pod', 'a', 'b')).rejects.toThrow('Pod b/a does not exist.')
    await expect(fake.api.delete({ kind: 'v1/Pod', name: 'a', namespace: 'b' })).resolves.toBeUndefined()
  })

  test('are applied as they are, by our field manager, with unknown fields refused', async () => {
    const seen: string[] = []
    await using fake = await fakeApi(
      withPods((request, response) => {
        seen.push(
          `${request.method} ${request.path}?${request.query} ${request.headers['content-type']} ${request.text}`,
        )
        answer(response, JSON.parse(request.text))
      }),
    )
    await fake.api.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', namespace: 'b' },
      spec: { 'x-kubernetes-odd': 1 },
    })
    expect(seen).toEqual([
      [
        'PATCH /api/v1/namespaces/b/pods/a?fieldManager=plumbline&force=true&fieldValidation=Strict',
        'application/apply-patch+yaml',
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"b"},"spec":{"x-kubernetes-odd":1}}',
      ].join(' '),
    ])
  })

  test('are listed with the kind that only the list names, and the LIST is counted for its check', async () => {
    await using fake = await fakeApi(
      withPods((_, response) =>
        answer(response, { metadata: { resourceVersion: '7' }, items: [{ metadata: { name: 'a' } }] }),
      ),
    )
    const scope = new Scope('mesh/a', new AbortController().signal, 'reads')
    expect(await inScope(scope, () => fake.api.list('v1/Pod'))).toEqual({
      resourceVersion: '7',
      items: [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }],
    })
    expect(scope.lists).toBe(1)
  })
})
