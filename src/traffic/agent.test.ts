import { execa } from 'execa'
import { X509Certificate } from 'node:crypto'
import { createServer as createSecureServer } from 'node:https'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentProbe } from './agent-probe.ts'
import { makeAuthority } from '../tls/authority.ts'
import { sendFromHere } from './http.ts'

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures')

const start = (program: string, env: Record<string, string>) =>
  execa('node', [join(FIXTURES, program)], { env, reject: false })

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (
      (await sendFromHere({ address: '127.0.0.1', port, host: 'h', headers: { 'user-agent': 'kube-probe/1' } })).status
    )
      return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`nothing listens on ${port}`)
}

describe('the workload', () => {
  let app: ReturnType<typeof start>
  let port = 0
  const get = (path: string, headers = {}) => sendFromHere({ address: '127.0.0.1', port, host: 'h', path, headers })
  const info = async () =>
    JSON.parse((await get('/info')).body) as {
      most: number
      total: number
      from: string
      version: string
      headers: Record<string, string>
    }

  beforeAll(async () => {
    port = await freePort()
    app = start('app/server.mjs', { PORT: String(port), TARGET: 'Knative on EKS', VERSION: 'v7', POD_NAME: 'pod-1' })
    await answers(port)
  })
  afterAll(async () => {
    app.kill()
    await app
  })

  test('greets, and tells its version and pod', async () => {
    expect(await get('/')).toMatchObject({
      status: 200,
      body: 'Hello Knative on EKS!\n',
      headers: { 'x-version': 'v7', 'x-pod': 'pod-1' },
    })
  })

  test('fails on demand', async () => {
    expect((await get('/?status=503')).status).toBe(503)
    expect((await get('/?fail=1')).status).toBe(500)
    expect((await get('/?fail=0')).status).toBe(200)
  })

  test('echoes the headers that came, and who connected', async () => {
    expect(JSON.parse((await get('/info', { 'x-forwarded-for': '1.2.3.4' })).body)).toMatchObject({
      headers: { 'x-forwarded-for': '1.2.3.4' },
    })
    expect((await info()).from).toMatch(/127\.0\.0\.1$/)
  })

  test('counts requests and how many there were at once, but no probes', async () => {
    const before = await info()
    await Promise.all(Array.from({ length: 5 }, () => get('/?sleep=150')))
    await get('/', { 'user-agent': 'kube-probe/1.34' })
    const after = await info()
    expect(after.most).toBe(5)
    expect(after.total).toBe(before.total + 6)
  })
})

describe('the agent', () => {
  let agent: ReturnType<typeof start>
  let port = 0
  const ask = async <T>(what: string, request: object): Promise<T> => {
    const to = { address: '127.0.0.1', port, host: 'agent', method: 'POST' as const, path: `/${what}` }
    return JSON.parse((await sendFromHere({ ...to, body: JSON.stringify(request) })).body) as T
  }

  beforeAll(async () => {
    port = await freePort()
    agent = start('agent/agent.mjs', { PORT: String(port) })
    await answers(port)
  })
  afterAll(async () => {
    agent.kill()
    await agent
  })

  test('sends a request and gives what came back, or why nothing did', async () => {
    expect(await ask('request', { address: '127.0.0.1', port, host: 'x' })).toMatchObject({
      status: 200,
      body: 'plumbline agent',
    })
    expect(await ask('request', { address: '127.0.0.1', port: await freePort(), host: 'x' })).toMatchObject({
      status: 0,
      error: 'ECONNREFUSED',
    })
  })

  test('probes at its own rate, counts from when each was due, and shows which certificate it met', async () => {
    const { cert, key } = await makeAuthority('probed')
    const serial = new X509Certificate(cert).serialNumber
    // The first half a second of requests has no answer until it is over.
    const open = performance.now() + 500
    const server = createSecureServer({ cert, key }, (_, response) => {
      const answer = () => response.setHeader('x-version', 'v1').end()
      setTimeout(answer, Math.max(0, open - performance.now()))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const to = { address: '127.0.0.1', port: (server.address() as AddressInfo).port, host: 'probed', scheme: 'https' }
    const probe = await AgentProbe.follow(
      () => ask('probe', { ...to, rate: 50 }),
      (what, about) => ask(what, about),
    )
    await probe.untilInARow('quick answers', 20, ({ ms }) => ms < 250)
    const seen = probe.now
    const samples = await probe.end()
    expect(await probe.end()).toBe(samples)
    server.close()
    expect(samples.length).toBeGreaterThan(40)
    expect(samples.map(({ due }) => due)).toEqual(samples.map((_, at) => (at * 1000) / 50))
    expect(samples.at(-1)!.due).toBeLessThan(seen + 1000)
    expect(samples[0]!.ms).toBeGreaterThan(300)
    expect(new Set(samples.map(({ version, serial: shown, status }) => `${status} ${version} ${shown}`))).toEqual(
      new Set([`200 v1 ${serial}`]),
    )
  })

  test('says that a probe is not to be had once the agent is gone', async () => {
    const probe = await AgentProbe.follow(
      () => ask('probe', { address: '127.0.0.1', port, host: 'x', rate: 10 }),
      (what, about) => (what === 'samples' && about.from > 0 ? Promise.reject(new Error('gone')) : ask(what, about)),
    )
    await expect(probe.until('never', () => 'not yet', 'request')).rejects.toThrow('gone')
    await probe.end()
  })

  test('lets no probe pass that it ended because nobody asked', async () => {
    const probe = await AgentProbe.follow(
      () => Promise.resolve({ id: '0', now: 0 }),
      () => Promise.resolve({ samples: [], forgotten: true }),
    )
    await expect(probe.end()).rejects.toThrow('The agent pod ended its probe')
  })
})
