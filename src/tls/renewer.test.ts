import 'reflect-metadata'
import { webcrypto as nodeCrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { beforeAll, describe, expect, test } from 'vitest'
import { byLife, DAY_MS, endTrouble, HOUR_MS, renewerOf, WITHOUT_RENEWAL_MS, type CaMarks } from './renewer.ts'

const webcrypto = nodeCrypto as unknown as Crypto
x509.cryptoProvider.set(webcrypto)
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const NOW = Date.parse('2026-06-01T00:00:00Z')
let keys: CryptoKeyPair
beforeAll(async () => {
  keys = await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])
})

/** A CA of so many days, of which so many are left. */
async function caOf(name: string, days: number, left: number): Promise<X509Certificate> {
  const notAfter = new Date(NOW + left * DAY_MS)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    notBefore: new Date(notAfter.getTime() - days * DAY_MS),
    notAfter,
    signingAlgorithm: ECDSA,
    keys,
  })
  return new X509Certificate(certificate.toString('pem'))
}

const marks = (more: Partial<CaMarks> = {}): CaMarks => ({
  annotations: {},
  hasCertificate: () => false,
  roots: new Set(),
  ...more,
})

describe("who renews a webhook's CA", () => {
  test('Knative, by the organisation in its subject, wherever it is', async () => {
    const ca = await caOf('O=knative.dev, CN=webhook.elsewhere.svc', 7, 3)
    expect(renewerOf(ca, marks())).toEqual({ who: 'Knative', leftMs: 12 * HOUR_MS })
  })

  test('Kyverno, which renews with sixty hours left', async () => {
    const ca = await caOf('CN=*.kyverno.svc', 365, 10)
    expect(renewerOf(ca, marks())).toEqual({ who: 'Kyverno', leftMs: 2 * DAY_MS })
  })

  test('cert-manager, where the configuration names a Certificate that exists', async () => {
    const ca = await caOf('CN=any', 90, 1)
    const annotations = { 'cert-manager.io/inject-ca-from': 'tenant/ca' }
    expect(renewerOf(ca, marks({ annotations, hasCertificate: (name) => name === 'tenant/ca' }))?.leftMs).toBe(0)
    expect(renewerOf(ca, marks({ annotations }))).toBeUndefined()
  })

  test('istiod, where it is the root of the mesh', async () => {
    const ca = await caOf('O=cluster.local', 3650, 5)
    expect(renewerOf(ca, marks({ roots: new Set([ca.fingerprint256]) }))?.who).toBe('istiod')
  })

  test('its owner, where its whole life is shorter than a month', async () => {
    const ca = await caOf('CN=home-made', 7, 3)
    expect(renewerOf(ca, marks())).toEqual({
      who: 'its owner, as its life of 7.0 days says',
      leftMs: (7 * DAY_MS) / 20,
    })
  })

  test('its owner, where the CA is younger than the configuration', async () => {
    const ca = await caOf('CN=home-made', 90, 10)
    const made = (daysBefore: number) => new Date(NOW - daysBefore * DAY_MS).toISOString()
    expect(renewerOf(ca, marks({ createdAt: made(200) }))?.leftMs).toBe((90 * DAY_MS) / 20)
    expect(renewerOf(ca, marks({ createdAt: made(80) }))).toBeUndefined()
  })
})

describe('the end of a certificate', () => {
  test('is no trouble while more is left than must be', async () => {
    expect(endTrouble('x', await caOf('CN=a', 365, 31), NOW, WITHOUT_RENEWAL_MS)).toEqual([])
    const week = await caOf('CN=a', 7, 1)
    expect(endTrouble('x', week, NOW, byLife(week).leftMs)).toEqual([])
  })

  test('is told with its date and what is left', async () => {
    expect(endTrouble('the CA', await caOf('CN=a', 365, 10), NOW, WITHOUT_RENEWAL_MS)).toEqual([
      'the CA expires at 2026-06-11T00:00:00.000Z, in 10.0 days',
    ])
    expect(endTrouble('the CA', await caOf('CN=a', 365, -1), NOW, 0)).toEqual([
      'the CA expired at 2026-05-31T00:00:00.000Z',
    ])
  })
})
