import { expect, it } from 'vitest'
import { issuanceTroubles } from './issuances.ts'

const NOW = Date.parse('2026-01-01T12:00:00Z')
const certificate = (name: string, secretName = name) => ({
  kind: 'Certificate',
  metadata: { namespace: 'shop', name },
  spec: { secretName },
})
const request = (name: string, minutesAgo: number) => ({
  kind: 'CertificateRequest',
  metadata: {
    ...{ namespace: 'shop', name: `${name}-${minutesAgo}` },
    annotations: { 'cert-manager.io/certificate-name': name },
    creationTimestamp: new Date(NOW - minutesAgo * 60_000).toISOString(),
  },
})
const secret = (name: string, owner: string) => ({
  kind: 'Secret',
  metadata: { namespace: 'shop', name, annotations: { 'cert-manager.io/certificate-name': owner } },
})
const texts = (...args: Parameters<typeof issuanceTroubles>) => issuanceTroubles(...args).map(({ text }) => text)

it('is quiet about Certificates that are issued now and then', () => {
  const requests = [1, 20, 40, 70, 80].map((minutes) => request('web', minutes))
  expect(texts([certificate('web')], requests, [secret('web', 'web')], NOW)).toEqual([])
})

it('tells a Certificate that is issued over and over', () => {
  const requests = [1, 2, 3, 4].map((minutes) => request('web', minutes))
  expect(texts([certificate('web')], requests, [], NOW)).toEqual([
    'Certificate shop/web was issued 4 times within the last hour, at most 3 expected',
  ])
})

it('tells a Secret that two Certificates write, once', () => {
  const both = [certificate('web', 'tls'), certificate('api', 'tls')]
  expect(texts(both, [], [secret('tls', 'api')], NOW)).toEqual([
    'Secret shop/tls is written by 2 Certificates: web, api',
  ])
})

it('tells a Secret that was written for a Certificate of another name', () => {
  expect(texts([certificate('web', 'tls')], [], [secret('tls', 'old')], NOW)).toEqual([
    'Secret shop/tls of Certificate shop/web was written for another Certificate, old',
  ])
})
