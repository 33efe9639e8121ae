import { expect, test } from 'vitest'
import { until } from '../kube/until.ts'
import { answer, CORE, fakeApi } from '../../test/fake-api.ts'
import { recordWhile } from './timeline.ts'

const pod = (ready: string) => ({
  metadata: { name: 'a', namespace: 'b' },
  status: { conditions: [{ type: 'Ready', status: ready }] },
})
const watched = { kind: 'v1/Pod', namespace: 'b', name: 'a' }

/** An API whose LIST gives `first` and whose watch then gives the events, one after the other. */
const watching = (first: object[], events: object[]) =>
  fakeApi((request, response) => {
    if (request.path === '/api/v1') return answer(response, CORE)
    if (!request.query.get('watch')) return answer(response, { metadata: { resourceVersion: '5' }, items: first })
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    for (const event of events) response.write(`${JSON.stringify(event)}\n`)
  })

test('a recording has every state, the first among them', async () => {
  await using fake = await watching(
    [pod('False')],
    [
      { type: 'MODIFIED', object: pod('True') },
      { type: 'DELETED', object: pod('True') },
    ],
  )
  const { snapshots } = await recordWhile(fake.api, watched, () =>
    until(
      fake.api,
      { ...watched, name: 'z' },
      (objects) => (objects[0]?.status.conditions[0].status === 'True' ? undefined : 'x'),
      'podReady',
    ),
  )
  expect(
    snapshots.map(({ objects }) => objects.map((object) => object.status.conditions[0].status)).slice(0, 2),
  ).toEqual([['False'], ['True']])
})
