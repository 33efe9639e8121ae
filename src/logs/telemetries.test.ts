import { expect, test } from 'vitest'
import { appliesTo } from './telemetries.ts'

const telemetry = (namespace: string, spec: object = {}) => ({ metadata: { namespace, name: 't' }, spec })
const pod = (namespace: string, labels: Record<string, string> = {}) => ({ metadata: { namespace, name: 'p', labels } })
const GATEWAY = { 'gateway.networking.k8s.io/gateway-name': 'web' }

test('a Telemetry is for the pods of its namespace, or of the mesh in the root namespace', () => {
  expect(appliesTo(telemetry('root'), pod('shop'), 'root')).toBe(true)
  expect(appliesTo(telemetry('shop'), pod('shop'), 'root')).toBe(true)
  expect(appliesTo(telemetry('shop'), pod('root'), 'root')).toBe(false)
})

test('that its selector or its targets mean', () => {
  const selecting = telemetry('edge', { selector: { matchLabels: { app: 'gw' } } })
  expect([appliesTo(selecting, pod('edge', { app: 'gw' }), 'r'), appliesTo(selecting, pod('edge'), 'r')]).toEqual([
    true,
    false,
  ])
  const targeting = telemetry('edge', { targetRefs: [{ kind: 'Gateway', name: 'web' }] })
  expect([appliesTo(targeting, pod('edge', GATEWAY), 'r'), appliesTo(targeting, pod('edge'), 'r')]).toEqual([
    true,
    false,
  ])
})
