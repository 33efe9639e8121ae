import { expect, test } from 'vitest'
import { modeFor } from './mutual-tls.ts'
import type { PeerPolicy } from './survey.ts'

const policy = (namespace: string, more: Partial<PeerPolicy> = {}): PeerPolicy => ({
  ...{ namespace, name: 'p', ports: {}, createdAt: '2026-01-02T00:00:00Z' },
  ...more,
})
const OLDER = '2026-01-01T00:00:00Z'
const WEB = { app: 'web' }

test.each<[string, PeerPolicy[], string]>([
  ['PERMISSIVE where nothing is set', [], 'PERMISSIVE'],
  ["the mesh's in every namespace", [policy('root', { mode: 'STRICT' })], 'STRICT'],
  [
    "a namespace's before the mesh's",
    [policy('root', { mode: 'STRICT' }), policy('a', { mode: 'DISABLE' })],
    'DISABLE',
  ],
  ["the mesh's where the namespace's is not set", [policy('root', { mode: 'STRICT' }), policy('a')], 'STRICT'],
  [
    "that of the pod's labels first",
    [policy('a', { mode: 'STRICT' }), policy('a', { mode: 'DISABLE', selector: WEB })],
    'DISABLE',
  ],
  ['not that of other labels', [policy('a', { mode: 'STRICT', selector: { app: 'b' } })], 'PERMISSIVE'],
  ['not that of labels in the root namespace', [policy('root', { mode: 'STRICT', selector: WEB })], 'PERMISSIVE'],
  ["not another namespace's", [policy('b', { mode: 'STRICT' })], 'PERMISSIVE'],
  [
    'of two the older, whatever its name',
    [policy('root', { name: 'a', mode: 'DISABLE' }), policy('root', { name: 'b', mode: 'STRICT', createdAt: OLDER })],
    'STRICT',
  ],
])('the mode in force is %s', (_, policies, mode) =>
  expect(modeFor({ rootNamespace: 'root', policies }, { namespace: 'a', labels: WEB })).toBe(mode),
)

test("a port's mode is that of the policy that selects the pod", () => {
  const policies = [policy('root', { mode: 'STRICT' }), policy('a', { selector: WEB, ports: { 8080: 'DISABLE' } })]
  const of = (port: number) => modeFor({ rootNamespace: 'root', policies }, { namespace: 'a', labels: WEB }, port)
  expect(of(8080)).toBe('DISABLE')
  expect(of(9090)).toBe('STRICT')
})
