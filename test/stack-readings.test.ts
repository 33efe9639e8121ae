import { describe, expect, test } from 'vitest'
import { poolOf } from '../src/install/metallb.ts'
import { adapt, registryOf } from '../src/install/knative.ts'
import { stackSchema } from '../src/config/stack-schema.ts'
import { addressInPools } from '../src/cloud/address-pool.ts'
import { externalGateways } from '../src/knative/gateways.ts'
import { readComponentLog } from '../src/knative/component-log.ts'
import { AUTOSCALER_SETTINGS, deploymentsOf, goDuration, metricsOf, settingTroubles } from '../src/knative/settings.ts'
import { nearestKey } from '../src/config/nearest-key.ts'
import { guards } from '../src/cluster/network-policies.ts'
import { deploymentTroubles, recentRestarts } from '../src/kube/pods.ts'
import {
  compareMinors,
  istioTestedWith,
  minorOf,
  plainVersion,
  SUPPORT,
  supportOf,
  supportsKubernetes,
} from '../src/config/supported-versions.ts'
import { UnknownVersion } from '../src/core/problem.ts'
import { routeConflicts } from '../src/mesh/virtual-services.ts'

describe('versions', () => {
  test('are read whatever a vendor adds', () => {
    expect(minorOf('v1.31.4-eks-a1b2')).toBe('1.31')
    expect(plainVersion('v1.31.0-lab')).toBe('1.31.0')
    expect(compareMinors('1.9', '1.19')).toBeLessThan(0)
    expect(minorOf('unknown')).toBeUndefined()
  })

  test.each([
    ['knative', '1.9.4', '1.24.0', true],
    ['knative', '1.9.4', '1.23.17', false],
    ['knative', '1.23.0', '1.34.0-eks-1', true],
    ['istio', '1.30.3', '1.36.2', true],
    ['istio', '1.30.3', '1.37.0', false],
    ['cert-manager', 'v1.20.3', '1.31.9', false],
  ] as const)('%s %s on Kubernetes %s: %s', (component, version, kubernetes, supported) => {
    expect(supportsKubernetes(supportOf(component, version), kubernetes)).toBe(supported)
  })

  test.each([
    ['1.99.0', 'does not know Knative 1.99.0 (newest known: 1.23): update Plumbline. This says nothing'],
    ['1.2.0', 'does not know Knative 1.2.0 (oldest known: 1.8). This says nothing about your cluster.'],
    ['unknown', 'does not know Knative unknown (newest known: 1.23): update Plumbline. This says nothing'],
  ])('of Knative that are not known are no fault of the cluster: %s', (version, message) => {
    expect(() => supportOf('knative', version)).toThrow(message)
    expect(() => supportOf('knative', version)).toThrow(UnknownVersion)
  })

  test('of net-istio have the Istio that they are tested with', () => {
    expect(istioTestedWith('1.22.3')).toBe('1.29')
    expect(() => istioTestedWith('1.99.0')).toThrow(UnknownVersion)
  })

  test('have a source each', () => {
    for (const row of SUPPORT) expect(row.source, row.minor).toMatch(/\S/)
  })
})

describe("Knative's settings", () => {
  const troubles = (settings: Record<string, string>) => settingTroubles(settings, AUTOSCALER_SETTINGS, nearestKey)

  test('that are known and parse are no trouble', () => {
    expect(
      troubles({
        'stable-window': '1m',
        'target-burst-capacity': '-1',
        'max-scale-down-rate': '1.1',
        'enable-scale-to-zero': 'false',
        'container-concurrency-target-percentage': '0.7',
      }),
    ).toEqual([])
  })

  test.each([
    [{ 'stable-windw': '60s' }, 'stable-windw is no key of it; did you mean stable-window?'],
    [{ 'max-scale-down-rate': '1' }, 'max-scale-down-rate: 1 is not above 1'],
    [{ 'stable-window': '5s' }, 'stable-window: 5s is outside 6 s to 3600 s'],
    [{ 'stable-window': 'long' }, 'stable-window: "long" is no duration such as 30s'],
    [{ 'initial-scale': '1.5' }, 'initial-scale: "1.5" is no whole number'],
    [{ 'target-burst-capacity': '-2' }, 'target-burst-capacity: -2 is below 0'],
    [{ 'enable-scale-to-zero': 'yes' }, 'enable-scale-to-zero: "yes" is neither true nor false'],
  ])('%j is told', (settings, trouble) => {
    expect(troubles(settings)).toEqual([trouble])
  })

  test('are durations as Go writes them', () => {
    expect(goDuration('1m30s')).toBe(90_000)
    expect(goDuration('1.5h')).toBe(5_400_000)
    expect(goDuration('30')).toBeUndefined()
  })

  test('and names are by version', () => {
    expect(deploymentsOf('1.9.4')).toContain('domain-mapping')
    expect(deploymentsOf('1.22.1')).not.toContain('domain-mapping')
    expect(metricsOf('1.18.0').autoscaler.test('# HELP x\nautoscaler_desired_pods{a="b"} 1')).toBe(true)
    expect(metricsOf('1.22.1').autoscaler.test('kn_revision_pods_desired{a="b"} 1')).toBe(true)
    expect(metricsOf('1.22.1').autoscaler.test('autoscaler_desired_pods{a="b"} 1')).toBe(false)
  })
})

describe("config-istio's gateways", () => {
  test('are the default where nothing is set, a bare key "gateway" among it', () => {
    expect(externalGateways({ gateway: 'x.y.svc' })).toMatchObject({
      byDefault: true,
      found: [{ namespace: 'knative-serving', name: 'knative-ingress-gateway' }],
    })
  })

  test('are read in the old form and the new one', () => {
    expect(externalGateways({ 'gateway.knative-serving.knative-ingress-gateway': 'a.b.svc' }).found).toEqual([
      { namespace: 'knative-serving', name: 'knative-ingress-gateway', service: 'a.b.svc' },
    ])
    expect(externalGateways({ 'external-gateways': '- {name: g, namespace: n, service: a.b.svc}' }).found).toEqual([
      { name: 'g', namespace: 'n', service: 'a.b.svc' },
    ])
  })

  test('are a problem in both forms at once', () => {
    expect(externalGateways({ 'gateway.a.b': 'x', 'external-gateways': '[]' }).problem).toMatch(/both/)
  })
})

describe("a component's log", () => {
  const line = (fields: object) =>
    JSON.stringify({
      severity: 'INFO',
      timestamp: '2026-01-01T00:00:00Z',
      logger: 'controller',
      message: 'x',
      ...fields,
    })
  const failed = (at: string, more = {}) =>
    line({
      severity: 'ERROR',
      timestamp: at,
      message: 'Reconcile error',
      'knative.dev/key': 'default/hello',
      error: 'no',
      ...more,
    })

  test('may have lines of Go and klog beside JSON, and nothing else', () => {
    const log = readComponentLog(
      'p',
      `2026/01/01 00:00:00 Registering\nI0101 00:00:00.1 1 x.go:1] y\n${line({})}\npanic: oh no\n`,
    )
    expect(log.count).toBe(1)
    expect(log.unstructured).toEqual(['panic: oh no'])
  })

  test('tells an error that repeats', () => {
    const log = readComponentLog('p', [failed('2026-01-01T00:00:01Z'), failed('2026-01-01T00:00:02Z')].join('\n'))
    expect(log.repeated).toEqual(['2 times, last at 2026-01-01T00:00:02.000Z: Reconcile error of default/hello: no'])
  })

  test.each([
    ['once', [failed('2026-01-01T00:00:01Z')]],
    [
      'overcome',
      [
        failed('2026-01-01T00:00:01Z'),
        failed('2026-01-01T00:00:02Z'),
        line({ timestamp: '2026-01-01T00:00:03Z', message: 'Reconcile succeeded', 'knative.dev/key': 'default/hello' }),
      ],
    ],
    ['of ours', [1, 2].map((at) => failed(`2026-01-01T00:00:0${at}Z`, { 'knative.dev/key': 'plumb-x-1234/hello' }))],
    [
      'a conflict',
      [1, 2].map((at) =>
        failed(`2026-01-01T00:00:0${at}Z`, {
          error: 'the object has been modified; please apply your changes to the latest version and try again',
        }),
      ),
    ],
  ])('does not count one that was %s', (_, lines) => {
    expect(readComponentLog('p', lines.join('\n')).repeated).toEqual([])
  })
})

describe('VirtualServices', () => {
  const service = (name: string, hosts: string[], gateways?: string[], namespace = 'a') => ({
    metadata: { name, namespace },
    spec: { hosts, ...(gateways ? { gateways } : {}) },
  })

  test('conflict by host and gateway, both by their full names', () => {
    expect(routeConflicts([service('one', ['h.test'], ['gw']), service('two', ['h.test'], ['a/gw'])])).toEqual([
      'h.test on a/gw: a/one, a/two',
    ])
    expect(routeConflicts([service('one', ['reviews']), service('two', ['reviews.a.svc.cluster.local'])])).toEqual([
      'reviews.a.svc.cluster.local on mesh: a/one, a/two',
    ])
  })

  test('do not conflict on different gateways, or with the same short name in different namespaces', () => {
    expect(routeConflicts([service('one', ['h.test'], ['x/gw']), service('two', ['h.test'], ['y/gw'])])).toEqual([])
    expect(routeConflicts([service('one', ['reviews']), service('two', ['reviews'], undefined, 'b')])).toEqual([])
  })
})

describe('addresses', () => {
  test.each([
    ['172.18.255.210', ['172.18.255.200-172.18.255.250'], true],
    ['172.18.255.251', ['172.18.255.200-172.18.255.250'], false],
    ['10.0.0.9', ['192.168.0.0/24', '10.0.0.0/29'], false],
    ['10.0.0.7', ['192.168.0.0/24', '10.0.0.0/29'], true],
    ['', ['10.0.0.0/8'], false],
  ])('%s in %j: %s', (address, pools, inside) => {
    expect(addressInPools(address, pools)).toBe(inside)
  })

  test("of the pool are at the end of Docker's network", () => {
    expect(poolOf('172.18.0.0/16')).toBe('172.18.255.200-172.18.255.250')
    expect(poolOf('192.168.5.0/24')).toBe('192.168.5.200-192.168.5.250')
    expect(() => poolOf('10.1.1.0/28')).toThrow(/too small for a pool/)
  })
})

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

describe('pods and deployments', () => {
  test('a Deployment of zero replicas does nothing, though Kubernetes calls it Available', () => {
    const available = { status: 'True', type: 'Available' }
    const make = (replicas: number, readyReplicas: number) => ({
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { replicas },
      status: { readyReplicas, conditions: [available] },
    })
    expect(deploymentTroubles(make(0, 0))).toEqual(['Deployment d asks for 0 replicas'])
    expect(deploymentTroubles(make(2, 1))).toEqual(['Deployment d has 1 of 2 replicas Ready'])
    expect(deploymentTroubles(make(2, 2))).toEqual([])
  })

  test('a restart counts for ten minutes', () => {
    const pod = {
      metadata: { name: 'p' },
      status: {
        containerStatuses: [
          {
            name: 'c',
            restartCount: 1,
            lastState: { terminated: { finishedAt: '2026-01-01T00:00:00Z', reason: 'Error', exitCode: 1 } },
          },
        ],
      },
    }
    const at = (text: string) => new Date(text).getTime()
    expect(recentRestarts([pod], 10, at('2026-01-01T00:05:00Z'))).toEqual([
      'p c: ended 300 s ago (Error, exit code 1), 1 restarts',
    ])
    expect(recentRestarts([pod], 10, at('2026-01-01T00:11:00Z'))).toEqual([])
  })
})

describe("a release's object on kind", () => {
  const config = stackSchema.parse({ target: 'kind', domain: 'example.com', images: { onNodes: true } })

  test('gets the domain as a key of its own', () => {
    expect(
      adapt({ kind: 'ConfigMap', metadata: { name: 'config-domain' }, data: { _example: 'x' } }, config).data,
    ).toEqual({ _example: 'x', 'example.com': '' })
  })

  test('lets a drain go on', () => {
    expect(
      adapt({ kind: 'PodDisruptionBudget', metadata: { name: 'activator-pdb' }, spec: { minAvailable: '80%' } }, config)
        .spec,
    ).toEqual({ minAvailable: 1 })
  })

  test('looks up no tag of an image that is on the nodes', () => {
    expect(
      adapt({ kind: 'ConfigMap', metadata: { name: 'config-deployment' }, data: {} }, config).data[
        'registries-skipping-tag-resolving'
      ],
    ).toContain('index.docker.io')
    expect(registryOf('node:24')).toBe('index.docker.io')
    expect(registryOf('ghcr.io/a/b:1')).toBe('ghcr.io')
    expect(registryOf('localhost:5000/a')).toBe('localhost:5000')
  })
})
