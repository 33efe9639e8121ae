import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { stackSchema } from '../src/config/stack-schema.ts'
import type { KubernetesObject } from '../src/core/object.ts'
import { SharedKubeConfig } from '../src/kube/connection.ts'
import { Kubernetes } from '../src/kube/kubernetes.ts'
import { readSurvey } from '../src/survey/read-survey.ts'
import { KNOWN_KINDS } from '../src/survey/served.ts'
import { testTwin } from './start-twin.ts'

const ROOT = join(import.meta.dirname, '..')
interface Rule {
  apiGroups?: string[]
  resources?: string[]
  verbs: string[]
}
const manifest = (file: string): KubernetesObject[] =>
  parseAllDocuments(readFileSync(join(ROOT, 'docs', 'rbac', `${file}.yaml`), 'utf8')).map(
    (document) => document.toJS() as KubernetesObject,
  )
const rulesOf = (...files: string[]): Rule[] => files.flatMap(manifest).flatMap(({ rules }) => (rules ?? []) as Rule[])
const allows = (rules: Rule[], verb: string, group: string, resource: string): boolean =>
  rules.some(
    ({ apiGroups = [], resources = [], verbs }) =>
      verbs.includes(verb) &&
      apiGroups.includes(group) &&
      (resources.includes(resource) || (resources.includes('*') && !resource.includes('/'))),
  )

/** 'NetworkPolicy' as the API names the resource: networkpolicies. */
const plural = (kind: string): string => {
  const lower = kind.toLowerCase()
  if (lower === 'endpoints') return lower
  if (/(s|ch)$/.test(lower)) return `${lower}es`
  return lower.endsWith('y') && !lower.endsWith('gateway') ? `${lower.slice(0, -1)}ies` : `${lower}s`
}
const resourceOf = (kindName: string): [group: string, resource: string] => {
  const parts = kindName.split('/')
  const group = parts.length > 2 || (parts.length === 2 && parts[0]!.includes('.')) ? parts[0]! : ''
  return [group, plural(parts.at(-1)!)]
}

/** What others own, or `up` alone makes, or is sent to the API server without being stored. */
const NOT_LISTED = [
  'postgresql.cnpg.io/v1/Cluster',
  'authentication.k8s.io/v1/TokenReview',
  'v1/PersistentVolumeClaim',
  // Read in the gateways' namespaces alone: gateway-namespace.yaml.
  'v1/Secret',
]

const source = globSync('{src,suites}/**/*.ts', { cwd: ROOT })
  .filter((file) => !/\.test\.ts$|^src\/(install|targets|sabotage|shapes)\//.test(file))
  .map((file) => readFileSync(join(ROOT, file), 'utf8'))
  .join('\n')

describe('the three roles', () => {
  test('reads may get, list and watch every kind that the source names', () => {
    const named = [...source.matchAll(/'((?:[a-z0-9.]+\/)?v\d[a-z0-9]*\/[A-Z][A-Za-z]+)'/g)].map(([, kind]) => kind!)
    const kinds = new Set([...named, ...Object.keys(KNOWN_KINDS)].filter((kind) => !NOT_LISTED.includes(kind)))
    expect(kinds.size).toBeGreaterThan(40)
    const missing = [...kinds].filter((kind) =>
      ['get', 'list', 'watch'].some((verb) => !allows(rulesOf('reads'), verb, ...resourceOf(kind))),
    )
    expect(missing).toEqual([])
  })

  test('reads may not write, read Secrets, or reach a kubelet', () => {
    const verbs = new Set(rulesOf('reads').flatMap((rule) => rule.verbs))
    expect([...verbs].toSorted()).toEqual(['get', 'list', 'watch'])
    const resources = rulesOf('reads').flatMap((rule) => (rule.apiGroups?.includes('') ? (rule.resources ?? []) : []))
    expect(resources.filter((resource) => /^secrets$|proxy|exec|portforward|\*/.test(resource))).toEqual([])
    const inNamespaces = rulesOf('stack-namespace', 'gateway-namespace').flatMap(
      ({ resources: own = [], verbs: may }) => own.flatMap((resource) => may.map((verb) => `${verb} ${resource}`)),
    )
    expect(inNamespaces.toSorted()).toEqual([
      'create pods/portforward',
      'get pods/portforward',
      'get pods/proxy',
      'get secrets',
      'get services/proxy',
      'list secrets',
      'watch secrets',
    ])
  })

  test('writes may create, change and delete every kind that a fixture has', () => {
    const groups = { networkingApi: 'networking.istio.io/v1', telemetryApi: 'telemetry.istio.io/v1' }
    const kinds = globSync('fixtures/{app,chaos,knative,load,logs,mesh,rollout,tls}/**/*.yaml', { cwd: ROOT })
      .flatMap((file) => readFileSync(join(ROOT, file), 'utf8').split(/^---$/m))
      .map((text) => {
        const version = /^apiVersion: *"?(?:\$\{(\w+)\}|([\w./]+))/m.exec(text)
        const kind = /^kind: *(\w+)/m.exec(text)?.[1] ?? ''
        return `${version?.[1] ? groups[version[1] as keyof typeof groups] : version?.[2]}/${kind}`
      })
      // What istioctl reads, and what `up` installs.
      .filter((kind) => !/IstioOperator$|^undefined/.test(kind))
    expect(new Set(kinds).size).toBeGreaterThan(8)
    const missing = [...new Set(kinds)].filter((kind) =>
      ['create', 'patch', 'delete'].some((verb) => !allows(rulesOf('writes'), verb, ...resourceOf(kind))),
    )
    expect(missing).toEqual([])
  })

  test('only the last may cordon nodes and ask kubelets', () => {
    for (const [verb, resource] of [
      ['patch', 'nodes'],
      ['get', 'nodes/proxy'],
    ] as const) {
      expect(allows(rulesOf('reads', 'writes'), verb, '', resource)).toBe(false)
      expect(allows(rulesOf('tunes-and-disrupts'), verb, '', resource)).toBe(true)
    }
  })
})

describe('a ServiceAccount with the role reads and nothing else', () => {
  let on: Awaited<ReturnType<typeof testTwin>>
  let admin: Kubernetes
  let reader: Kubernetes
  const configs: SharedKubeConfig[] = []
  const connect = (user: object): Kubernetes => {
    const config = new SharedKubeConfig()
    const { clusters } = on.twin.kubeconfig as { clusters: { cluster: object }[] }
    config.loadFromString(
      JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'twin' },
        clusters: [{ name: 'twin', cluster: clusters[0]?.cluster }],
        users: [{ name: 'user', user }],
        contexts: [{ name: 'twin', context: { cluster: 'twin', user: 'user' } }],
      }),
    )
    configs.push(config)
    return new Kubernetes(config)
  }

  beforeAll(async () => {
    on = await testTwin()
    const { users } = on.twin.kubeconfig as { users: { user: object }[] }
    admin = connect(users[0]!.user)
    const subjects = [{ kind: 'ServiceAccount', name: 'plumbline-reads', namespace: 'default' }]
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: subjects[0]! }
    await admin.apply({ ...account, metadata: { name: 'plumbline-reads', namespace: 'default' } })
    const bound = (object: KubernetesObject, namespace?: string): KubernetesObject => ({
      ...object,
      metadata: { ...object.metadata, ...(namespace ? { namespace } : {}) },
      ...(object.subjects ? { subjects } : {}),
    })
    for (const object of manifest('reads')) await admin.apply(bound(object))
    for (const namespace of ['istio-system', 'knative-serving', 'cert-manager'])
      for (const object of manifest('stack-namespace')) await admin.apply(bound(object, namespace))
    for (const object of manifest('gateway-namespace')) await admin.apply(bound(object, 'istio-system'))
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
    const { body } = await on.call('POST', '/api/v1/namespaces/default/serviceaccounts/plumbline-reads/token', request)
    reader = connect({ token: body.status.token })
  })
  afterAll(async () => {
    for (const config of configs) await config.close()
    await on.stop()
  })

  test('surveys the cluster: only what admission would do to us, a dry run, is unknown', async () => {
    const config = stackSchema.parse({ target: 'existing' })
    const survey = await readSurvey({ k8s: reader, config, signal: new AbortController().signal })
    const unknown = Object.entries(survey).filter(([, fact]) => typeof fact === 'object' && 'unknown' in fact)
    expect(unknown.map(([name]) => name).filter((name) => name !== 'admission')).toEqual([])
  })

  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'make a namespace',
      () => reader.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'plumb-a' } }),
      /may not patch namespaces/,
    ],
    ['read Secrets elsewhere', () => reader.list('v1/Secret', { namespace: 'cert-manager' }), /may not list secrets/],
    ['ask a kubelet', () => reader.json('/api/v1/nodes/plumbline-worker/proxy/configz'), /nodes\/proxy/],
    ['evict a pod', () => reader.evict('activator-a', 'knative-serving'), /pods\/eviction/],
  ])('may not %s', async (_, attempt, refusal) => {
    await expect(attempt()).rejects.toThrow(refusal)
  })
})
