import { describe, expect, test } from 'vitest'
import { NotLookedAt } from '../core/problem.ts'
import { ApiRefusal } from '../kube/errors.ts'
import { throwRefusal } from './policy-refusal.ts'

const pod = { kind: 'Pod', metadata: { namespace: 'plumb-a', name: 'server' } }
const refused = (message: string) => new ApiRefusal('applying Pod plumb-a/server', { code: 403, message })

describe('an object of ours that the API server refuses', () => {
  test.each([
    ['admission webhook "validate.kyverno.svc-fail" denied the request: need label team', 'validate.kyverno.svc-fail'],
    [
      "ValidatingAdmissionPolicy 'owners' with binding 'all' denied request: no owner",
      'ValidatingAdmissionPolicy owners',
    ],
    ['pods "server" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true', 'PodSecurity'],
    ['pods "server" is forbidden: exceeded quota: small, requested: pods=1', 'ResourceQuota small'],
    ['pods "server" is forbidden: failed quota: small: must specify limits.cpu', 'ResourceQuota small'],
  ])('by a policy of the cluster leaves nothing to look at: %s', (message, by) => {
    const attempt = () => throwRefusal(pod)(refused(message))
    expect(attempt).toThrow(NotLookedAt)
    expect(attempt).toThrow(`Pod plumb-a/server of ours could not be made: `)
    expect(attempt).toThrow(by)
  })

  test.each([
    'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed',
    'admission webhook "rev.validation.istio.io" denied the request: configuration is invalid',
    'Deployment.apps "server" is invalid',
  ])('by the stack itself, or because it is wrong, is a finding: %s', (message) => {
    const problem = refused(message)
    expect(() => throwRefusal(pod)(problem)).toThrow(problem)
  })
})
