import { execa } from 'execa'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sendFromHere } from '../src/stack/http.ts'

const FIXTURES = join(import.meta.dirname, '..', 'fixtures')

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
  const start = (env: Record<string, string>) =>
    execa('node', [join(FIXTURES, 'app', 'server.mjs')], { env, reject: false })
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
    app = start({ PORT: String(port), TARGET: 'Knative on EKS', VERSION: 'v7', POD_NAME: 'pod-1' })
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
  test('sends a request and gives what came back, or why nothing did', async () => {
    const program = join(FIXTURES, 'agent', 'agent.mjs')
    const port = await freePort()
    const agent = execa('node', [program], { env: { PORT: String(port) }, reject: false })
    try {
      await answers(port)
      const ask = async (request: object) =>
        JSON.parse(
          (
            await sendFromHere({
              address: '127.0.0.1',
              port,
              host: 'agent',
              method: 'POST',
              path: '/request',
              body: JSON.stringify(request),
            })
          ).body,
        ) as object
      expect(await ask({ address: '127.0.0.1', port, host: 'x' })).toMatchObject({
        status: 200,
        body: 'plumbline agent',
      })
      expect(await ask({ address: '127.0.0.1', port: await freePort(), host: 'x' })).toMatchObject({
        status: 0,
        error: 'ECONNREFUSED',
      })
    } finally {
      agent.kill()
      await agent
    }
  })
})
