import { describe, expect, test } from 'vitest'
import type { Gateway } from '../survey/survey.ts'
import { credentialUses } from './gateway-credentials.ts'

const gateway = (namespace: string, podLabels: Record<string, string>, role: Gateway['role'] = 'certified') =>
  ({ role, credentialNamespace: namespace, workloads: [{ podLabels }] }) as unknown as Gateway

const PUBLIC = gateway('istio-ingress', { istio: 'ingress', app: 'public' })
const INTERNAL = gateway('internal', { istio: 'internal' }, 'local')

const object = (selector: object | undefined, tls: object) => ({
  kind: 'Gateway',
  metadata: { namespace: 'tenant', name: 'site' },
  spec: { ...(selector ? { selector } : {}), servers: [{ hosts: ['a.test'], tls }] },
})

const secretsOf = (...given: Parameters<typeof object>) =>
  credentialUses([object(...given)], [PUBLIC, INTERNAL]).map(({ namespace, secret }) => `${namespace}/${secret}`)

describe('the Secret of a credentialName', () => {
  test('is in the namespace of each gateway that the Gateway selects', () => {
    expect(secretsOf({ istio: 'ingress' }, { credentialName: 'site' })).toEqual(['istio-ingress/site'])
    expect(secretsOf(undefined, { credentialName: 'site' })).toEqual(['istio-ingress/site', 'internal/site'])
  })

  test('is none where the Gateway selects no gateway, or only one for egress', () => {
    expect(secretsOf({ istio: 'nobody' }, { credentialName: 'site' })).toEqual([])
    const egress = gateway('egress', { istio: 'egress' }, 'egress')
    expect(credentialUses([object({ istio: 'egress' }, { credentialName: 'a' })], [egress])).toEqual([])
  })

  test.each([
    [{ credentialName: 'kubernetes://site' }, ['istio-ingress/site']],
    [{ credentialName: 'kubernetes://istio-ingress/site' }, ['istio-ingress/site']],
    [{ credentialName: 'kubernetes://other/site' }, []],
    [{ credentialName: 'builtin://' }, []],
    [{ credentialName: 'configmap://roots' }, []],
    [{ credentialNames: ['rsa', 'ecdsa'] }, ['istio-ingress/rsa', 'istio-ingress/ecdsa']],
    [{ serverCertificate: '/etc/certs/tls.crt' }, []],
  ])('is %o: %o', (tls, secrets) => {
    expect(secretsOf({ istio: 'ingress' }, tls)).toEqual(secrets)
  })
})
