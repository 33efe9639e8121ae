import { describe, expect, test } from 'vitest'
import { guards } from './network-policies.ts'

describe('a NetworkPolicy', () => {
  const pod = { metadata: { name: 'p', namespace: 'n', labels: { app: 'gateway' } } }
  const policy = (spec: object) => ({
    metadata: { name: 'np', namespace: 'n' },
    spec: { podSelector: { matchLabels: { app: 'gateway' } }, ...spec },
  })

  test('guards a port that no rule of it lets through', () => {
    expect(guards([policy({ ingress: [{ ports: [{ port: 8080 }, { port: 8443 }] }] })], pod, 15000)).toBe(true)
  })

  test.each([
    ['there is none', []],
    ['it selects other pods', [policy({ podSelector: { matchLabels: { app: 'other' } } })]],
    ['a rule has no ports', [policy({ ingress: [{}] })]],
    ['a range of ports has it', [policy({ ingress: [{ ports: [{ port: 15000, endPort: 15100 }] }] })]],
    ['it is for egress', [policy({ policyTypes: ['Egress'] })]],
  ])('does not where %s', (_, policies) => {
    expect(guards(policies, pod, 15000)).toBe(false)
  })
})
