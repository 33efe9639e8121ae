import { fork, type ChildProcess } from 'node:child_process'
import net from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { callGrpc } from './grpc.ts'
import { sendOverHttp2 } from './http2.ts'
import { OpenStreams, type StreamKind } from './open-streams.ts'
import { talkOverWebsocket } from './websocket.ts'

const PROGRAM = join(import.meta.dirname, '..', '..', 'fixtures', 'app', 'server.mjs')
const WITHIN_MS = 20_000

let program: ChildProcess
let here: { address: string; port: number; scheme: 'http' }

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })

beforeEach(async () => {
  const port = await freePort()
  program = fork(PROGRAM, { env: { ...process.env, PORT: String(port), POD_NAME: 'pod-a' } })
  here = { address: '127.0.0.1', port, scheme: 'http' }
  await expect.poll(() => answers(port), { timeout: WITHIN_MS }).toBe(true)
})

afterEach(() => void program.kill('SIGKILL'))

it('asks several hosts over one HTTP/2 connection', async () => {
  const requests = [{ host: 'a.test', path: '/info' }, { host: 'b.test' }]
  const { answers, error } = await sendOverHttp2({ ...here, requests }, WITHIN_MS)
  expect(error).toBeUndefined()
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  expect(JSON.parse(answers[0]!.body)).toMatchObject({ pod: 'pod-a', headers: { ':authority': 'a.test' } })
})

it('says why there is no HTTP/2 connection', async () => {
  const { answers, error } = await sendOverHttp2(
    { ...here, port: await freePort(), requests: [{ host: 'a' }] },
    WITHIN_MS,
  )
  expect(answers).toEqual([])
  expect(error).toContain('ECONNREFUSED')
})

it('calls gRPC: unary, a stream, and a method that is not there', async () => {
  const call = { ...here, host: 'a.test', text: 'hello' }
  expect(await callGrpc({ ...call, method: 'Say' }, WITHIN_MS)).toMatchObject({
    httpStatus: 200,
    status: 0,
    answers: [{ text: 'hello', number: 1, pod: 'pod-a' }],
  })
  const stream = await callGrpc({ ...call, method: 'Count', count: 300, everyMs: 1 }, WITHIN_MS)
  expect(stream.status).toBe(0)
  expect(stream.answers.map(({ number }) => number)).toEqual(Array.from({ length: 300 }, (_, at) => at + 1))
  const missing = await callGrpc({ ...call, method: 'Nope' as 'Say' }, WITHIN_MS)
  expect(missing).toMatchObject({ status: 12, message: 'no method Nope' })
})

it('says that a gRPC answer was cut off', async () => {
  const stream = callGrpc({ ...here, host: 'a', method: 'Count', text: '', count: 0, everyMs: 5 }, WITHIN_MS)
  setTimeout(() => program.kill('SIGKILL'), 300)
  const { status, error, answers } = await stream
  expect(status).toBeUndefined()
  expect(error).toBeTruthy()
  expect(answers.length).toBeGreaterThan(0)
})

it('talks over a websocket, both ways', async () => {
  const talk = { ...here, host: 'a.test', messages: ['one', 'x'.repeat(300)], everyMs: 20, keepMs: 100 }
  const answer = await talkOverWebsocket(talk, WITHIN_MS)
  expect(answer).toMatchObject({ status: 101, closed: { code: 1000, byServer: false } })
  const texts = answer.answers.map(({ text }) => text)
  expect(texts.filter(Boolean)).toEqual(talk.messages)
  expect(texts).toContain('')
})

it('gives the status with which an upgrade was refused', async () => {
  const server = net.createServer((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  expect(await talkOverWebsocket({ ...here, port, host: 'a', messages: [] }, WITHIN_MS)).toMatchObject({ status: 426 })
  server.close()
})

const streams = (kind: StreamKind) =>
  new OpenStreams({ ...here, kind, host: 'a', count: 3, everyMs: 10, silentMs: 2000 })

it.each(['grpc', 'websocket'] as const)('keeps %s streams open, and says how each ended', async (kind) => {
  const open = streams(kind)
  await expect.poll(() => open.records.filter(({ messages }) => messages > 3).length, { timeout: WITHIN_MS }).toBe(3)
  program.kill('SIGTERM')
  await expect.poll(() => open.records.filter(({ ended }) => ended).length, { timeout: WITHIN_MS }).toBeGreaterThan(3)
  const records = await open.end()
  const first = records.slice(0, 3)
  expect(first.map(({ pod }) => pod)).toEqual(['pod-a', 'pod-a', 'pod-a'])
  const how = kind === 'grpc' ? 'goaway' : 'clean'
  expect(first.map(({ ended }) => ended?.how)).toEqual([how, how, how])
  // What takes their places is refused: nobody listens any more.
  expect(records[3]?.ended?.how).toBe('refused')
})

it('gives a stream up on which nothing comes', async () => {
  const open = new OpenStreams({ ...here, kind: 'websocket', host: 'a', count: 1, everyMs: 0, silentMs: 50 })
  await expect.poll(() => open.records[0]?.ended?.how, { timeout: WITHIN_MS }).toBe('silent')
  await open.end()
})
