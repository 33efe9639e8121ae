import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { USUAL_LAYOUT } from '../twin/stack/layout.ts'
import { VERSIONS } from '../twin/stack/versions.ts'
import { startTwin } from '../twin/twin.ts'

interface Kubeconfig {
  clusters: { cluster: { 'certificate-authority-data': string } }[]
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[]
}

/** An answer of the API: its code, and its body as JSON where it is that. */
export interface ApiAnswer {
  code: number
  // Whatever the API answers; each test names what it reads.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any
}

/** A twin in this process, and calls to its API with its administrator's certificate or a token. */
export async function testTwin(cloud: 'metallb' | 'aws' = 'metallb', layout = USUAL_LAYOUT) {
  const program = readFileSync(join(import.meta.dirname, '..', 'fixtures', 'app', 'server.mjs'), 'utf8')
  const twin = await startTwin({
    ...{
      versions: VERSIONS,
      domain: 'example.com',
      zones: ['zone-a', 'zone-b'],
      range: undefined,
      cloud,
      layout,
      port: 6443,
      program,
    },
  })
  await twin.ready
  const { clusters, users } = twin.kubeconfig as Kubeconfig
  const decode = (text = '') => Buffer.from(text, 'base64').toString()
  const ca = decode(clusters[0]?.cluster['certificate-authority-data'])
  const user = users[0]?.user
  const certificate = { ca, cert: decode(user?.['client-certificate-data']), key: decode(user?.['client-key-data']) }
  const [admin, anybody] = [new Agent({ connect: certificate }), new Agent({ connect: { ca } })]
  const call = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    options: { type?: string; token?: string; accept?: string } = {},
  ): Promise<ApiAnswer> => {
    const answer = await request(twin.address + path, {
      method,
      dispatcher: options.token === undefined ? admin : anybody,
      headers: {
        ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
        ...(options.accept ? { accept: options.accept } : {}),
        ...(body === undefined ? {} : { 'content-type': options.type ?? 'application/json' }),
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await answer.body.text()
    try {
      return { code: answer.statusCode, body: JSON.parse(text) }
    } catch {
      return { code: answer.statusCode, body: text }
    }
  }
  /** The events of a watch until it has so many, or it ends. */
  const watch = async (path: string, count: number): Promise<{ type: string; object: ApiAnswer['body'] }[]> => {
    const { body } = await request(twin.address + path, { dispatcher: admin })
    const events: { type: string; object: unknown }[] = []
    let text = ''
    for await (const chunk of body) {
      text += String(chunk)
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      events.push(...lines.map((line) => JSON.parse(line) as { type: string; object: unknown }))
      if (events.length >= count) break
    }
    return events
  }
  const stop = async () => {
    twin.stop()
    await Promise.all([admin.destroy(), anybody.destroy()])
  }
  return { twin, call, watch, stop, program }
}
