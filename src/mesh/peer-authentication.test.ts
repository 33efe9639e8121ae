import { describe, expect, test } from 'vitest'
import { blankSurvey } from '../../test/blank-survey.ts'
import type { PeerPolicy } from '../survey/survey.ts'
import { oldestOfAll, policyOfPods, tuneMtls, type MtlsMode } from './peer-authentication.ts'

const policy = (name: string, creationTimestamp: string, matchLabels?: Record<string, string>) => ({
  metadata: { name, creationTimestamp },
  spec: matchLabels ? { selector: { matchLabels } } : {},
})

test('the policy of a namespace is its oldest without a selector, wherever it stands in the list', () => {
  const policies = [
    policy('a-newer', '2026-02-01T00:00:00Z'),
    policy('b-selecting', '2025-01-01T00:00:00Z', { app: 'x' }),
    policy('c-older', '2026-01-01T00:00:00Z', {}),
  ]
  expect(oldestOfAll(policies)?.metadata?.name).toBe('c-older')
  expect(oldestOfAll([])).toBeUndefined()
})

describe('the policy that sets the mode of some pods alone', () => {
  const policy = (more: Partial<PeerPolicy>): PeerPolicy => ({
    namespace: 'knative',
    name: 'a',
    mode: 'STRICT',
    selector: { app: 'activator' },
    ports: {},
    createdAt: '2026-01-01T00:00:00Z',
    ...more,
  })
  const found = (...policies: PeerPolicy[]) => {
    const mutualTls = { value: { rootNamespace: 'istio-system', policies }, by: 'LIST' }
    return policyOfPods({ survey: () => Promise.resolve(blankSurvey({ mutualTls })) }, ACTIVATOR)
  }
  const ACTIVATOR = { namespace: 'knative', podLabels: { app: 'activator', role: 'activator' } }

  test('is one of their namespace that selects them', async () => {
    expect((await found(policy({})))?.name).toBe('a')
  })

  test.each([
    ['one of another namespace', policy({ namespace: 'istio-system' })],
    ['one of other pods', policy({ selector: { app: 'webhook' } })],
    ['one for all of the namespace', { ...policy({}), selector: undefined } as unknown as PeerPolicy],
    ['one without a mode', { ...policy({}), mode: undefined } as unknown as PeerPolicy],
  ])('is not %s', async (_, other) => {
    expect(await found(other)).toBeUndefined()
  })
})

describe('setting the mode of a namespace', () => {
  const inForce = (mode: string, more: object = {}) => ({
    kind: 'PeerAuthentication',
    metadata: { namespace: 'root', name: 'default', creationTimestamp: '2026-01-01T00:00:00Z', ...more },
    spec: { mtls: { mode } },
  })
  const BY_ARGO = {
    annotations: { 'argocd.argoproj.io/tracking-id': 'mesh:security.istio.io/PeerAuthentication:root' },
  }

  /** What is changed where this policy is there. */
  async function changed(policy: object, mode: MtlsMode): Promise<unknown[]> {
    const done: unknown[] = []
    const survey = blankSurvey()
    const stack = {
      survey: () =>
        Promise.resolve({
          ...survey,
          platform: { ...survey.platform, served: { 'security.istio.io/PeerAuthentication': 'v1' } },
        }),
      k8s: { list: () => Promise.resolve({ items: [policy] }) },
      changes: { tune: (...parts: unknown[]) => Promise.resolve(done.push(parts)) },
    }
    await tuneMtls(stack as unknown as Parameters<typeof tuneMtls>[0], 'root', mode)
    return done
  }

  test('changes nothing where it is in force already, whoever keeps the policy', async () => {
    expect(await changed(inForce('STRICT', BY_ARGO), 'STRICT')).toEqual([])
  })

  test('changes the policy that is there, and none that somebody would put back', async () => {
    expect(await changed(inForce('PERMISSIVE'), 'STRICT')).toHaveLength(1)
    await expect(changed(inForce('PERMISSIVE', BY_ARGO), 'STRICT')).rejects.toThrow(
      /would take back a change of its mode/,
    )
  })
})
