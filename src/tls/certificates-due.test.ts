import { describe, expect, test } from 'vitest'
import type { KubernetesObject } from '../core/object.ts'
import { StackFailure } from '../core/problem.ts'
import { certificateFindings } from './certificates-due.ts'

const NOW = Date.parse('2026-06-01T00:00:00Z')

const certificate = (namespace: string, conditions: object[], more: object = {}): KubernetesObject => ({
  kind: 'Certificate',
  metadata: { namespace, name: 'a', generation: 1 },
  status: { conditions, ...more },
})

const READY = { type: 'Ready', status: 'True', message: 'Certificate is up to date' }
const PENDING = { type: 'Ready', status: 'False', message: 'Issuing certificate as Secret does not exist' }
const ISSUING = { type: 'Issuing', status: 'True' }

/** The findings about one Certificate; `until` gives what becomes of it. */
const findingsOf = (
  given: KubernetesObject,
  becomes: () => Promise<KubernetesObject[]> = () => Promise.reject(new Error('nothing to wait for')),
) =>
  certificateFindings(
    { until: becomes },
    {
      certificates: [given],
      tenantOf: ({ metadata }) => (metadata?.namespace === 'tenant' ? 'tenant' : undefined),
      now: NOW,
    },
  )

describe('a Certificate', () => {
  test('that is Ready is no finding', async () => {
    expect(await findingsOf(certificate('stack', [READY], { renewalTime: '2026-07-01T00:00:00Z' }))).toEqual([])
  })

  test('of a tenant that is pending is told as the tenant has it, and nobody waits for it', async () => {
    expect(await findingsOf(certificate('tenant', [PENDING, ISSUING]))).toEqual([
      { text: `Certificate tenant/a is not Ready: ${PENDING.message}`, tenant: 'tenant' },
    ])
  })

  test('of the stack that is being issued is waited for', async () => {
    const pending = certificate('stack', [PENDING, ISSUING])
    expect(await findingsOf(pending, () => Promise.resolve([certificate('stack', [READY])]))).toEqual([])
    expect(await findingsOf(pending, () => Promise.reject(new StackFailure('not issued within 60 s')))).toEqual([
      { text: 'not issued within 60 s', tenant: undefined },
    ])
  })

  test('of the stack that was refused is told at once', async () => {
    expect(await findingsOf(certificate('stack', [{ ...PENDING, message: 'denied' }]))).toEqual([
      { text: 'Certificate stack/a is not Ready: denied', tenant: undefined },
    ])
  })

  test.each([
    [{ notAfter: '2026-05-31T00:00:00Z' }, 'expired at 2026-05-31T00:00:00Z'],
    [{ renewalTime: '2026-05-31T00:00:00Z' }, 'was due for renewal at 2026-05-31T00:00:00Z and has not been renewed'],
  ])('that is past its time is told: %o', async (dates, text) => {
    const [finding] = await findingsOf(certificate('stack', [READY], dates))
    expect(finding?.text).toContain(text)
  })
})
