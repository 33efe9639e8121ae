import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fixturePath } from '../kube/manifest.ts'
import { sendFromHere } from '../traffic/http.ts'
import { startProgram } from '../../test/start-program.ts'

describe('the workload', () => {
  let app: Awaited<ReturnType<typeof startProgram>>
  const get = (path: string, headers = {}) =>
    sendFromHere({ address: '127.0.0.1', port: app.port, host: 'h', path, headers })
  const info = async () =>
    JSON.parse((await get('/info')).body) as {
      most: number
      total: number
      from: string
      version: string
      headers: Record<string, string>
    }

  beforeAll(async () => {
    const env = { TARGET: 'Knative on EKS', VERSION: 'v7', POD_NAME: 'pod-1' }
    app = await startProgram(fixturePath('app/server.mjs'), env)
  })
  afterAll(() => app[Symbol.asyncDispose]())

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
