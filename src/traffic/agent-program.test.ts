import { isBuiltin } from 'node:module'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeAuthority } from '../tls/authority.ts'
import { agentProgram } from './agent-bundle.ts'
import { AgentProbe } from './agent-probe.ts'
import type { HandshakeAnswer } from './handshake.ts'
import { sendFromHere, type Answer } from './http.ts'
import { freePort, startProgram } from '../../test/start-program.ts'

const TOKEN = 'the-token-of-the-run'

let agent: Awaited<ReturnType<typeof startProgram>>

/** Sends a body to a path of the agent, with the token where `headers` does not say otherwise. */
const post = (path: string, body: string, headers: Record<string, string> = { 'x-plumbline-token': TOKEN }) =>
  sendFromHere({ address: '127.0.0.1', port: agent.port, host: 'agent', method: 'POST', path, body, headers })

async function ask<T>(what: string, request: object): Promise<T> {
  const { status, body } = await post(`/${what}`, JSON.stringify({ withinMs: 9000, ...request }))
  if (status !== 200) throw new Error(`${status} ${body}`)
  return JSON.parse(body) as T
}

async function serveSecurely() {
  const { cert, key } = await makeAuthority('probed')
  // The requests of the first half a second have no answer until it is over.
  let open: number | undefined
  const server = createSecureServer({ cert, key }, (_, response) => {
    const answer = () => response.setHeader('x-version', 'v1').end()
    open ??= performance.now() + 500
    setTimeout(answer, Math.max(0, open - performance.now()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    serial: new X509Certificate(cert).serialNumber,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-agent-'))
  writeFileSync(join(folder, 'agent.js'), await agentProgram())
  writeFileSync(join(folder, 'token'), `${TOKEN}\n`)
  agent = await startProgram(join(folder, 'agent.js'), { TOKEN_FILE: join(folder, 'token'), FORGOTTEN_MS: '600' })
})
afterAll(() => agent[Symbol.asyncDispose]())

test('the program is one file that a ConfigMap holds many times over', async () => {
  const program = await agentProgram()
  expect(program.length).toBeLessThan(100_000)
  const required = [...program.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name!)
  expect(required.filter((name) => !isBuiltin(name))).toEqual([])
})

describe('the agent', () => {
  test('sends a request and gives what came back, or why nothing did', async () => {
    expect(await ask('request', { address: '127.0.0.1', port: agent.port, host: 'x' })).toMatchObject({
      status: 200,
      body: 'plumbline agent',
    })
    expect(await ask('request', { address: '127.0.0.1', port: await freePort(), host: 'x' })).toMatchObject({
      status: 0,
      error: 'ECONNREFUSED',
    })
  })

  test('shakes hands and gives the chain', async () => {
    await using server = await serveSecurely()
    const shown = await ask<HandshakeAnswer>('handshake', { address: '127.0.0.1', port: server.port, sni: 'probed' })
    expect(shown).toMatchObject({ protocol: 'TLSv1.3', resumed: false })
    expect(new X509Certificate(shown.certificates[0] ?? '').serialNumber).toBe(server.serial)
  })

  test('probes at its own rate, counts from when each was due, and shows which certificate it met', async () => {
    await using server = await serveSecurely()
    const to = { address: '127.0.0.1', port: server.port, host: 'probed', scheme: 'https' }
    const probe = await AgentProbe.follow(() => ask('probe', { ...to, rate: 50 }), ask)
    await probe.untilInARow('answers to later requests', 20, ({ due }) => due > 600)
    const seen = probe.now
    const samples = await probe.end()
    expect(await probe.end()).toBe(samples)
    expect(samples.length).toBeGreaterThan(40)
    expect(samples.map(({ due }) => due)).toEqual(samples.map((_, at) => (at * 1000) / 50))
    expect(samples.at(-1)!.due).toBeLessThan(seen + 10_000)
    expect(samples[0]!.ms).toBeGreaterThan(300)
    expect(new Set(samples.map(({ version, serial, status }) => `${status} ${version} ${serial}`))).toEqual(
      new Set([`200 v1 ${server.serial}`]),
    )
  })

  test('ends a probe that nobody asks about, and says so', async () => {
    const { id } = await ask<{ id: string }>('probe', { address: '127.0.0.1', port: agent.port, host: 'x', rate: 20 })
    await new Promise((resolve) => setTimeout(resolve, 2500))
    const told = await ask<{ samples: unknown[]; forgotten: boolean }>('samples', { id, from: 0 })
    expect(told.forgotten).toBe(true)
    const later = await ask<{ samples: unknown[] }>('end', { id, from: 0 })
    expect(later.samples).toHaveLength(told.samples.length)
  })

  test('tells the time', async () => {
    const from = Date.now()
    const { now } = await ask<{ now: number }>('clock', {})
    expect(now).toBeGreaterThan(from - 50)
    expect(now).toBeLessThan(Date.now() + 50)
  })
})

const TO = { address: '127.0.0.1', port: 1, host: 'x', withinMs: 100 }

describe('what the agent refuses, and goes on after', () => {
  test.each<[string, string, string, number, RegExp]>([
    ['a body that is not JSON', '/request', '{"address":', 400, /the body is not JSON/],
    ['a body that is no object', '/request', '[1]', 400, /must be a JSON object/],
    ['a body that is empty', '/samples', '', 400, /the body is not JSON/],
    ['a body that is too long', '/request', ' '.repeat(1_100_000), 413, /longer than 1000000 bytes/],
    ['a path that it does not have', '/shell', '{}', 404, /POST one of \/request, \/handshake/],
    ['a path that every object has', '/constructor', '{}', 404, /POST one of/],
    ['a probe that it does not know', '/samples', '{"id":"0","from":0}', 404, /has no probe 0/],
    ['the end of one', '/end', '{"id":"0","from":0}', 404, /has no probe 0/],
    ['a request without a host', '/request', JSON.stringify({ ...TO, host: undefined }), 400, /host must be a string/],
    ['a request without a port', '/request', JSON.stringify({ ...TO, port: '80' }), 400, /port must be a number/],
    ['a request without a time', '/request', JSON.stringify({ ...TO, withinMs: 0 }), 400, /withinMs must be a number/],
    ['a path with a space', '/request', JSON.stringify({ ...TO, path: '/a b' }), 400, /unescaped characters/],
    ['a probe without a rate', '/probe', JSON.stringify(TO), 400, /rate must be a number above 0/],
  ])('%s', async (_, path, body, status, message) => {
    const answer: Answer = await post(path, body)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toMatchObject({ message: expect.stringMatching(message) as string })
    expect(await ask('clock', {})).toHaveProperty('now')
  })

  test.each([{}, { 'x-plumbline-token': 'another' }])('what has not the token of the run: %o', async (headers) => {
    const answer = await post('/request', JSON.stringify(TO), headers)
    expect(answer.status).toBe(401)
    expect(answer.body).toContain('x-plumbline-token must have the token of the run')
  })

  test('a GET of what takes a POST', async () => {
    const headers = { 'x-plumbline-token': TOKEN }
    const to = { address: '127.0.0.1', port: agent.port, host: 'agent', headers }
    expect((await sendFromHere({ ...to, path: '/clock' })).status).toBe(405)
  })
})
