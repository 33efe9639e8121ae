import { describe, expect, test } from 'vitest'
import { isIdempotent, isServerTrouble, retryAfterMs } from './server-trouble.ts'

const get = (path: string) => ({ method: 'GET', path })
const PODS = get('/api/v1/pods?limit=500')
const PROXY = get('/api/v1/namespaces/a/pods/b:8080/proxy/metrics')
const EVICTION = { method: 'POST', path: '/api/v1/namespaces/a/pods/b/eviction' }

describe('an answer is trouble of the API server', () => {
  test.each([
    ['429 of Priority and Fairness', PODS, { code: 429, message: 'Too many requests, please try again later.' }],
    ['503 while it starts', PODS, { code: 503, message: 'etcd is not ready' }],
    ['500 without a reason', PODS, { code: 500, message: 'gone' }],
    ['429 of an overload at an eviction', EVICTION, { code: 429, message: 'Too many requests' }],
    ['429 before its proxy', PROXY, { code: 429, message: 'Too many requests, please try again later.' }],
    ['its own 503 before its proxy', PROXY, { kind: 'Status', code: 503, message: 'the server is shutting down' }],
  ])('%s', (_, call, status) => expect(isServerTrouble(call, status)).toBe(true))
})

describe('an answer is a finding', () => {
  const budget = { causes: [{ reason: 'DisruptionBudget', message: 'needs 2 healthy pods' }] }
  test.each([
    ['404', PODS, { code: 404 }],
    ['501', PODS, { code: 501 }],
    ['a disruption budget', EVICTION, { code: 429, message: 'Cannot evict pod.', details: budget }],
    [
      'a disruption budget by its words',
      EVICTION,
      { code: 429, message: "Cannot evict pod as it would violate the pod's disruption budget." },
    ],
    [
      'a webhook that does not answer',
      PODS,
      { code: 500, message: 'Internal error occurred: failed calling webhook "a.b": no endpoints available' },
    ],
    ["a proxied backend's own 503", PROXY, { code: 503, message: 'out of order' }],
    [
      'a Service without endpoints',
      PROXY,
      { kind: 'Status', code: 503, message: 'no endpoints available for service "a"' },
    ],
    ['a metrics-server that is down', get('/apis/metrics.k8s.io/v1beta1/nodes'), { code: 503 }],
  ])('%s', (_, call, status) => expect(isServerTrouble(call, status)).toBe(false))
})

test('only what changes nothing twice is sent twice', () => {
  expect(isIdempotent(EVICTION)).toBe(false)
  expect(isIdempotent({ method: 'POST', path: '/api/v1/pods?fieldManager=x&dryRun=All' })).toBe(true)
  expect(isIdempotent({ method: 'PATCH', path: '/api/v1/pods/a' })).toBe(true)
})

test.each([
  ['7', 7000],
  ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
  ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
  ['soon', undefined],
  ['', undefined],
])('Retry-After "%s" is %s ms', (header, ms) => {
  expect(retryAfterMs(header, Date.parse('2026-01-01T00:00:00Z'))).toBe(ms)
})
