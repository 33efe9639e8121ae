import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { probeFromHere, Prober } from './prober.ts'
import { failuresOf, latencyOf, perSecond } from './samples.ts'

async function serve(answer: RequestListener) {
  const connections = { count: 0 }
  const server = createServer(answer)
  server.on('connection', () => connections.count++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    to: { address: '127.0.0.1', port, host: 'probed.test' },
    connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('the prober', () => {
  test('sends on at its rate while nothing is answered, and counts the wait from when each was due', async () => {
    let open: () => void = () => undefined
    const stalled = new Promise<void>((resolve) => (open = resolve))
    await using server = await serve((_, response) => void stalled.then(() => response.end()))
    const prober = probeFromHere(server.to, { rate: 100 })
    await later(500)
    open()
    const samples = await prober.end()
    // A closed loop would have sent one, and seen one slow answer.
    expect(samples.length).toBeGreaterThanOrEqual(45)
    expect(failuresOf(samples)).toEqual({})
    // The first waited for half a second, the last hardly: a straight line, whose median is in its middle.
    expect(latencyOf(samples, 1)).toBeGreaterThan(450)
    expect(latencyOf(samples, 0.5)).toBeGreaterThan(200)
    expect(latencyOf(samples, 0.5)).toBeLessThan(latencyOf(samples, 1))
  })

  test('counts what fails by what it is, connections that are refused among them', async () => {
    let sent = 0
    await using server = await serve((_, response) => {
      response.statusCode = ++sent % 2 ? 200 : 503
      response.end()
    })
    const prober = probeFromHere(server.to, { rate: 100 })
    await prober.until('twenty answers', ({ length }) => (length < 20 ? `${length}` : undefined), 'request')
    const samples = await prober.end()
    expect(failuresOf(samples)).toEqual({ 503: Math.floor(samples.length / 2) })
    const refused = probeFromHere({ ...server.to, port: 1 }, { rate: 100 })
    await refused.until('an answer', ({ length }) => (length ? undefined : 'none'), 'request')
    expect(Object.keys(failuresOf(await refused.end()))).toEqual(['ECONNREFUSED'])
  })

  test('takes a new connection for every request, or keeps them', async () => {
    await using server = await serve((_, response) => response.end())
    for (const reuse of [false, true]) {
      server.connections.count = 0
      const prober = probeFromHere(server.to, { rate: 200, reuse })
      await prober.until('fifty answers', ({ length }) => (length < 50 ? `${length}` : undefined), 'request')
      const { length } = await prober.end()
      // After a pause of this machine many requests are due at once, and each takes a connection of its own.
      if (reuse) expect(server.connections.count).toBeLessThan(length)
      else expect(server.connections.count).toBe(length)
    }
  })

  test('knows which version answered, and says what is missing when it waits in vain', async () => {
    await using server = await serve((_, response) => response.setHeader('x-version', 'v1').end())
    const prober = probeFromHere(server.to, { rate: 100 })
    await prober.untilInARow('answers of v1', 10, ({ version }) => version === 'v1')
    await prober.end()
    expect(prober.samples.every(({ version }) => version === 'v1')).toBe(true)
  })

  test('gives a series of seconds', () => {
    const sample = (due: number, ms: number, status = 200) => ({ due, ms, status })
    expect(perSecond([sample(10, 5), sample(900, 15, 503), sample(1500, 7)])).toEqual([
      { second: 0, sent: 2, failed: 1, p50: expect.any(Number) as number, p95: 14.5, max: 15 },
      { second: 1, sent: 1, failed: 0, p50: 7, p95: 7, max: 7 },
    ])
  })

  test('what comes late is sent together, each with its own time', async () => {
    const due: number[] = []
    const prober = new Prober(100, (at) => {
      due.push(at)
      return Promise.resolve({ status: 200 })
    })
    const until = performance.now() + 200
    while (performance.now() < until); // the event loop is held: no timer comes
    await later(20)
    await prober.end()
    expect(due.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, at) => at * 10))
  })
})
