import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { setDeadlineFactor } from '../core/deadlines.ts'
import { sendConcurrently, sendFor } from './closed-loop.ts'
import { sendFromHere, describeAnswer } from './http.ts'

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  let connections = 0
  const server = createServer(handle).on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
const address = '127.0.0.1'

afterEach(() => setDeadlineFactor(1))

describe('a request from here', () => {
  test('carries any Host, on a connection of its own', async () => {
    await using server = await serve((request, response) => response.end(request.headers.host))
    for (let sent = 0; sent < 3; sent++) {
      expect(await sendFromHere({ address, port: server.port, host: 'hello.example.com' })).toMatchObject({
        status: 200,
        body: 'hello.example.com',
      })
    }
    expect(server.connections()).toBe(3)
  })

  test('follows no redirect', async () => {
    await using server = await serve((_, response) => response.writeHead(301, { location: '/x' }).end())
    expect((await sendFromHere({ address, port: server.port, host: 'h' })).status).toBe(301)
  })

  test('that is refused is an answer of status 0', async () => {
    const server = await serve(() => undefined)
    await server[Symbol.asyncDispose]()
    const answer = await sendFromHere({ address, port: server.port, host: 'h' })
    expect(answer).toMatchObject({ status: 0, error: 'ECONNREFUSED' })
    expect(describeAnswer(answer)).toMatch(/^no answer \(ECONNREFUSED\) after \d+ ms$/)
  })

  test('that is cut off is an answer of status 0, and is not tried again', async () => {
    let asked = 0
    await using server = await serve((request) => {
      asked++
      request.socket.destroy()
    })
    expect((await sendFromHere({ address, port: server.port, host: 'h' })).status).toBe(0)
    expect(asked).toBe(1)
  })

  test('that gets nothing ends at its deadline', async () => {
    await using server = await serve(() => undefined)
    setDeadlineFactor(0.01)
    expect(await sendFromHere({ address, port: server.port, host: 'h' })).toMatchObject({
      status: 0,
      error: 'no answer within 0.1 s',
    })
  })
})

describe('traffic', () => {
  const answer = (status: number) => ({ status, headers: {}, body: '', ms: 1 })

  test('counts every failure by its kind', async () => {
    const statuses = [200, 503, 0, 503]
    const traffic = await sendConcurrently(2, 4, new AbortController().signal, () =>
      Promise.resolve({ ...answer(statuses.pop() ?? 200), error: 'ECONNRESET' }),
    )
    expect(traffic).toMatchObject({ sent: 4, failures: { '503': 2, ECONNRESET: 1 } })
  })

  test('ends with its signal', async () => {
    const cut = new AbortController()
    cut.abort()
    expect((await sendFor(10, 10, cut.signal, () => Promise.resolve(answer(200)))).sent).toBe(0)
  })
})
