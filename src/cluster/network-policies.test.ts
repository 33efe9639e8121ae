import { describe, expect, test } from 'vitest'
import type { KubernetesObject } from '../core/object.ts'
import { guards } from './network-policies.ts'

const POD = {
  metadata: { name: 'gateway', namespace: 'a', labels: { app: 'gateway' } },
  spec: {
    containers: [{ ports: [{ name: 'http', containerPort: 8080 }, { containerPort: 9090 }] }],
    initContainers: [{ restartPolicy: 'Always', ports: [{ name: 'admin', containerPort: 15000 }] }],
  },
}
const policy = (ports: object[] | undefined, more: object = {}): KubernetesObject => ({
  metadata: { name: 'p', namespace: 'a' },
  spec: { podSelector: {}, ingress: ports ? [{ ports }] : [], ...more },
})

describe('a port is closed', () => {
  test.each<[string, KubernetesObject]>([
    ['by a policy that lets nothing in', policy(undefined)],
    ['by one that lets in another port', policy([{ port: 8080 }])],
    ['by a range that ends before it', policy([{ port: 14000, endPort: 14999 }])],
    ['by one that lets in the port of another name', policy([{ port: 'http' }])],
    ['by one that lets in a name that no container has', policy([{ port: 'metrics' }])],
    ['by one that lets in another protocol', policy([{ port: 15000, protocol: 'UDP' }])],
    ['by one without a podSelector, which is an empty one', policy(undefined, { podSelector: undefined })],
  ])('%s', (_, each) => expect(guards([each], POD, 15000)).toBe(true))
})

describe('a port is open', () => {
  test.each<[string, KubernetesObject[]]>([
    ['where there is no policy', []],
    ['where a rule names no port', [policy([])]],
    ['where a rule names only a protocol', [policy([{ protocol: 'TCP' }])]],
    ['where a rule has its number', [policy([{ port: 15000 }])]],
    ['where a range has it', [policy([{ port: 14000, endPort: 15090 }])]],
    ["where a rule has its container's name for it", [policy([{ port: 'admin' }])]],
    ['where another policy lets it in', [policy(undefined), policy([{ port: 15000 }])]],
    ['where the policy is about egress', [policy(undefined, { policyTypes: ['Egress'] })]],
    ['where the policy selects other pods', [policy(undefined, { podSelector: { matchLabels: { app: 'b' } } })]],
    ['where the policy is of another namespace', [{ ...policy(undefined), metadata: { namespace: 'b' } }]],
  ])('%s', (_, policies) => expect(guards(policies, POD, 15000)).toBe(false))
})
