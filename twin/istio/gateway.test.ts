import http from 'node:http'
import http2 from 'node:http2'
import tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeAuthority, readCertificate } from '../certificates.ts'
import { testTwin } from '../../test/start-twin.ts'

let on: Awaited<ReturnType<typeof testTwin>>
let address: string
const ISTIO = '/apis/networking.istio.io/v1/namespaces/default'

beforeAll(async () => {
  on = await testTwin()
  const service = await on.call('GET', '/api/v1/namespaces/istio-system/services/istio-ingressgateway')
  address = service.body.status.loadBalancer.ingress[0].ip
  for (const version of ['v1', 'v2']) await make('/api/v1/namespaces/default/pods', pod(version))
  await make('/api/v1/namespaces/default/configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'app' },
    data: { 'server.mjs': on.program },
  })
  await make('/api/v1/namespaces/default/services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  })
  await make(
    `${ISTIO}/gateways`,
    gateway('web', [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*.test'] }]),
  )
})
afterAll(() => on.stop())

const make = async (path: string, object: object) => {
  const { code, body } = await on.call('POST', path, object)
  expect(code, JSON.stringify(body)).toBe(201)
}
const pod = (version: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `web-${version}`, labels: { app: 'web', version } },
  spec: {
    containers: [
      {
        name: 'web',
        image: 'docker.io/library/node:24-alpine',
        command: ['node', '/app/server.mjs'],
        env: [{ name: 'VERSION', value: version }],
        readinessProbe: { httpGet: { port: 8080 } },
        volumeMounts: [{ name: 'app', mountPath: '/app' }],
      },
    ],
    volumes: [{ name: 'app', configMap: { name: 'app' } }],
  },
})
const gateway = (name: string, servers: object[]) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'Gateway',
  metadata: { name },
  spec: { selector: { istio: 'ingressgateway' }, servers },
})
const routed = (name: string, http: object[]) =>
  make(`${ISTIO}/virtualservices`, {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name },
    spec: { hosts: [`${name}.test`], gateways: ['web'], http },
  })
const web = (more: object = {}) => ({ destination: { host: 'web', port: { number: 80 }, ...more } })
const subsets = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'web' },
  spec: { host: 'web', subsets: ['v1', 'v2'].map((version) => ({ name: version, labels: { version } })) },
}

interface Answer {
  status: number
  headers: http.IncomingHttpHeaders
  body: string
}

/** One request through the load balancer's address. */
const send = (host: string, path = '/', headers: Record<string, string> = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    http
      .get(
        { host: address, port: on.twin.network.realPort(80), path, headers: { host, ...headers }, agent: false },
        (answer) => {
          let body = ''
          answer.on('data', (chunk) => (body += String(chunk)))
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }))
        },
      )
      .on('error', reject)
  })
const answers = (host: string, count: number, path = '/') =>
  Promise.all(Array.from({ length: count }, () => send(host, path)))
const until200 = (host: string) => expect.poll(async () => (await send(host)).status).toBe(200)

describe('the gateway of the twin', () => {
  test('shares by weight among subsets, sends headers elsewhere, and rewrites', async () => {
    await make(`${ISTIO}/destinationrules`, subsets)
    await routed('split', [
      { match: [{ headers: { 'x-beta': { exact: 'yes' } } }], route: [web({ subset: 'v2' })] },
      { match: [{ uri: { prefix: '/old' } }], rewrite: { uri: '/info' }, route: [web({ subset: 'v1' })] },
      {
        route: [
          { ...web({ subset: 'v1' }), weight: 80 },
          { ...web({ subset: 'v2' }), weight: 20 },
        ],
      },
    ])
    await until200('split.test')
    const seen = (await answers('split.test', 400)).filter(({ headers }) => headers['x-version'] === 'v2').length
    // 400 requests at 20 %: 80 expected, and 40 or 130 come up once in ten million.
    expect(seen).toBeGreaterThan(40)
    expect(seen).toBeLessThan(130)
    expect((await send('split.test', '/', { 'x-beta': 'yes' })).headers['x-version']).toBe('v2')
    expect(JSON.parse((await send('split.test', '/old')).body)).toMatchObject({ version: 'v1' })
  })

  test('redirects, answers by itself, ends what takes too long, and aborts as a fault says', async () => {
    await routed('moved', [{ redirect: { uri: '/new', authority: 'other.test' } }])
    await routed('direct', [{ directResponse: { status: 418, body: { string: 'short' } } }])
    await routed('slow', [{ timeout: '300ms', retries: { attempts: 0 }, route: [web()] }])
    await routed('faulty', [{ fault: { abort: { httpStatus: 503, percentage: { value: 100 } } }, route: [web()] }])
    await expect.poll(async () => (await send('faulty.test')).status).toBe(503)
    expect(await send('moved.test')).toMatchObject({ status: 301, headers: { location: 'http://other.test/new' } })
    expect(await send('direct.test')).toMatchObject({ status: 418, body: 'short' })
    expect(await send('slow.test', '/?sleep=2000')).toMatchObject({ status: 504, body: 'upstream request timeout' })
    expect((await send('nobody.test')).status).toBe(404)
  })

  test('refuses what is above its connection pool, and says overflow', async () => {
    await make('/api/v1/namespaces/default/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'pool' },
      spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    })
    await make(`${ISTIO}/destinationrules`, {
      ...subsets,
      metadata: { name: 'pool' },
      spec: {
        host: 'pool',
        trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } } },
      },
    })
    await routed('pool', [{ route: [{ destination: { host: 'pool', port: { number: 80 } } }] }])
    await until200('pool.test')
    // Three gateways, each one at work and one waiting: 24 at once leave at most 6.
    const all = await answers('pool.test', 24, '/?sleep=1500')
    const refused = all.filter(({ status }) => status === 503)
    expect(all.length - refused.length).toBeLessThanOrEqual(6)
    expect(all.length - refused.length).toBeGreaterThanOrEqual(2)
    expect(refused[0]).toMatchObject({
      body: expect.stringMatching(/reset reason: overflow$/),
      headers: { 'x-envoy-overloaded': 'true' },
    })
  })

  test('speaks HTTP/2 and serves by SNI what cert-manager issued, and issues again what was deleted', async () => {
    const authority = await makeAuthority('test-ca')
    const encode = (text: string) => Buffer.from(text).toString('base64')
    await make('/api/v1/namespaces/cert-manager/secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'ca' },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': encode(authority.cert), 'tls.key': encode(authority.key) },
    })
    await make('/apis/cert-manager.io/v1/clusterissuers', {
      apiVersion: 'cert-manager.io/v1',
      kind: 'ClusterIssuer',
      metadata: { name: 'ca' },
      spec: { ca: { secretName: 'ca' } },
    })
    const secret = {
      ...{ secretName: 'web-tls', dnsNames: ['tls.test'], privateKey: { algorithm: 'ECDSA' } },
      issuerRef: { name: 'ca', kind: 'ClusterIssuer' },
    }
    await make('/apis/cert-manager.io/v1/namespaces/istio-system/certificates', {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      metadata: { name: 'web', annotations: { 'twin.plumbline.dev/lifetime': '6s' } },
      spec: secret,
    })
    await make(
      `${ISTIO}/gateways`,
      gateway('tls', [
        {
          port: { number: 443, name: 'https', protocol: 'HTTPS' },
          hosts: ['tls.test'],
          tls: { mode: 'SIMPLE', credentialName: 'web-tls' },
        },
      ]),
    )
    await make(`${ISTIO}/virtualservices`, {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'tls' },
      spec: { hosts: ['tls.test'], gateways: ['tls'], http: [{ route: [web()] }] },
    })
    const port = on.twin.network.realPort(443)
    const handshake = (servername: string) =>
      new Promise<tls.PeerCertificate | undefined>((resolve) => {
        const socket = tls.connect(
          { host: address, port, servername, ca: authority.cert, ALPNProtocols: ['h2'] },
          () => {
            resolve(socket.alpnProtocol === 'h2' && socket.authorized ? socket.getPeerCertificate() : undefined)
            socket.destroy()
          },
        )
        socket.on('error', () => resolve(undefined))
      })
    await expect.poll(() => handshake('tls.test')).toMatchObject({ subjectaltname: 'DNS:tls.test' })
    expect(await handshake('other.test')).toBeUndefined()
    const status = () =>
      new Promise((resolve, reject) => {
        const session = http2.connect(`https://${address}:${port}`, { ca: authority.cert, servername: 'tls.test' })
        session.on('error', reject)
        session.request({ ':path': '/', ':authority': 'tls.test' }).on('response', (headers) => {
          resolve(headers[':status'])
          session.destroy()
        })
      })
    await expect.poll(status).toBe(200)
    const path = '/api/v1/namespaces/istio-system/secrets/web-tls'
    const held = async (): Promise<string> =>
      Buffer.from((await on.call('GET', path)).body.data?.['tls.crt'] ?? '', 'base64').toString()
    const first = await held()
    expect(readCertificate(first)).toMatchObject({ names: ['tls.test'], issuer: 'CN=test-ca' })
    await on.call('DELETE', path)
    await expect.poll(held).toMatch(/BEGIN CERTIFICATE/)
    const second = await held()
    expect(second).not.toBe(first)
    // Its life is 6 s: two thirds on it is renewed.
    await expect.poll(held, { interval: 200 }).not.toBe(second)
    const { body } = await on.call('GET', '/apis/cert-manager.io/v1/namespaces/istio-system/certificates/web')
    expect(body.status.revision).toBeGreaterThanOrEqual(3)
  })

  test('says why an issuer is not Ready', async () => {
    const issuer = (name: string, secretName: string) =>
      make('/apis/cert-manager.io/v1/clusterissuers', {
        apiVersion: 'cert-manager.io/v1',
        kind: 'ClusterIssuer',
        metadata: { name },
        spec: { ca: { secretName } },
      })
    await make('/api/v1/namespaces/cert-manager/secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'odd' },
      data: { 'ca-cert.pem': '' },
    })
    await issuer('missing', 'nowhere')
    await issuer('odd', 'odd')
    const message = async (name: string): Promise<string> =>
      (await on.call('GET', `/apis/cert-manager.io/v1/clusterissuers/${name}`)).body.status?.conditions?.[0]?.message
    await expect.poll(() => message('missing')).toBe('Error getting keypair for CA issuer: secrets "nowhere" not found')
    await expect
      .poll(() => message('odd'))
      .toBe(`Error getting keypair for CA issuer: no data for "tls.key" in secret 'cert-manager/odd'`)
  })

  test('logs in text, in JSON and in a format of its own, and less where a Telemetry filters', async () => {
    const pods = (await on.call('GET', '/api/v1/namespaces/istio-system/pods?labelSelector=istio%3Dingressgateway'))
      .body.items as { metadata: { name: string } }[]
    const lines = async (id: string): Promise<string[]> => {
      const logs = await Promise.all(
        pods.map(({ metadata }) => on.call('GET', `/api/v1/namespaces/istio-system/pods/${metadata.name}/log`)),
      )
      return logs
        .flatMap(({ body }) => (typeof body === 'string' ? body : JSON.stringify(body)).split('\n'))
        .filter((line) => line.includes(id))
    }
    const ask = async (id: string, path: string) => {
      await send('split.test', `${path}${path.includes('?') ? '&' : '?'}id=${id}`)
      return lines(id)
    }
    const mesh = (settings: string) =>
      on.call(
        'PATCH',
        '/api/v1/namespaces/istio-system/configmaps/istio',
        { data: { mesh: settings } },
        { type: 'application/merge-patch+json' },
      )
    const [text] = await ask('plain', '/')
    expect(text).toMatch(
      /^\[\d{4}-[^\]]+\] "GET \/\?id=plain HTTP\/1\.1" 200 - via_upstream - "-" 0 \d+ \d+ \d+ "127\.[\d.]+" "-" /,
    )
    expect(text).toMatch(
      / "[\w-]+" "split\.test" "127\.[\d.]+:8080" outbound\|80\|v[12]\|web\.default\.svc\.cluster\.local 127\./,
    )
    await mesh('accessLogFile: /dev/stdout\naccessLogEncoding: JSON\n')
    await expect.poll(async () => (await ask(`json${Date.now()}`, '/'))[0]?.startsWith('{')).toBe(true)
    const [json = '{}'] = await ask('json-last', '/')
    expect(JSON.parse(json)).toMatchObject({ method: 'GET', response_code: 200, authority: 'split.test' })
    await mesh('accessLogFile: /dev/stdout\naccessLogFormat: "mine %RESPONSE_CODE% %REQ(:PATH)%"\n')
    await expect.poll(async () => (await ask(`own${Date.now()}`, '/'))[0]).toMatch(/^mine 200 \/\?id=own/)
    await make('/apis/telemetry.istio.io/v1/namespaces/istio-system/telemetries', {
      apiVersion: 'telemetry.istio.io/v1',
      kind: 'Telemetry',
      metadata: { name: 'errors' },
      spec: {
        selector: { matchLabels: { istio: 'ingressgateway' } },
        accessLogging: [{ providers: [{ name: 'envoy' }], filter: { expression: 'response.code >= 400' } }],
      },
    })
    const { code, body } = await on.call('POST', '/apis/telemetry.istio.io/v1/namespaces/istio-system/telemetries', {
      apiVersion: 'telemetry.istio.io/v1',
      kind: 'Telemetry',
      metadata: { name: 'no-cel' },
      spec: { accessLogging: [{ filter: { expression: 'response.code >=' } }] },
    })
    expect([code, body.message]).toEqual([
      400,
      expect.stringMatching(
        /^admission webhook "validation.istio.io" denied the request: .*must be a valid CEL expres/,
      ),
    ])
    await expect.poll(async () => (await ask(`good${Date.now()}`, '/')).length).toBe(0)
    expect(await ask('an-error-alone', '/?status=404')).toHaveLength(1)
    await mesh('accessLogFile: /dev/stdout\n')
  })
})
