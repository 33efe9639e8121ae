import { describe, expect, test } from 'vitest'
import { surveyContext, type SurveyedCluster } from '../../test/survey-cluster.ts'
import type { KubernetesObject } from '../core/object.ts'
import { UsageProblem } from '../core/problem.ts'
import { ApiRefusal } from '../kube/errors.ts'
import { readSurvey } from './read-survey.ts'
import { surveyRows, unknownsOf } from './survey-rows.ts'
import { tellSurvey } from './tell-survey.ts'

const WEBHOOKS = 'admissionregistration.k8s.io/v1'
const webhook = (kind: string, name: string, namespace: string, entry = name): KubernetesObject => ({
  apiVersion: WEBHOOKS,
  kind: `${kind}WebhookConfiguration`,
  metadata: { name },
  webhooks: [{ name: entry, clientConfig: { service: { namespace, name: 'webhook' } } }],
})
const deployment = (namespace: string, name: string, more: object = {}, container: object = {}): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name, ...more },
  spec: { replicas: 1, template: { spec: { containers: [{ name, image: 'registry/x:v1.2.3', ...container }] } } },
})
const serving = (component: string) => ({
  labels: { 'app.kubernetes.io/name': 'knative-serving', 'app.kubernetes.io/component': component },
})
const map = (namespace: string, name: string, data: object): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
  data,
})
const certManager = (namespace: string, args: string[] = []) =>
  deployment(namespace, 'cm', {}, { name: 'cert-manager-controller', args })

const factsOf = async (cluster: SurveyedCluster): Promise<Record<string, string>> =>
  Object.fromEntries(
    surveyRows(await readSurvey(surveyContext(cluster))).map(({ part, fact, value }) => [`${part}: ${fact}`, value]),
  )

describe('of an empty cluster everything is absent, and nothing is unknown', () => {
  test('in the rows', async () => {
    const survey = await readSurvey(surveyContext({}))
    expect(unknownsOf(survey)).toEqual([])
    expect(survey.knative).toMatchObject({ absent: expect.stringContaining('Knative Serving was not found') })
    expect(survey.certManager).toMatchObject({ absent: expect.stringContaining('cert-manager was not found') })
  })

  test('in the table, whose lines are at most 120 columns', async () => {
    const table = tellSurvey(await readSurvey(surveyContext({})))
    expect(table).toContain('Nothing is unknown.')
    expect(table.split('\n').filter((line) => line.length > 120)).toEqual([])
  })
})

describe('what may not be listed is unknown, never absent', () => {
  test('Deployments', async () => {
    const facts = await factsOf({ forbidden: ['deployments'] })
    expect(facts['cert-manager: namespace']).toBe('unknown: may not list deployments.apps in all namespaces')
    expect(facts['Istio: istiod']).toBe('unknown: may not list deployments.apps in all namespaces')
  })

  test('nodes', async () => {
    expect((await factsOf({ forbidden: ['nodes'] }))['cluster: nodes']).toBe(
      'unknown: may not list nodes in all namespaces',
    )
  })
})

describe('Knative', () => {
  const installed = [
    webhook('Mutating', 'webhook.serving.knative.dev', 'kn'),
    deployment('kn', 'controller', serving('controller')),
    deployment('kn', 'net', serving('net-istio'), { name: 'controller' }),
    deployment('kn', 'imc-controller', { labels: { 'app.kubernetes.io/name': 'knative-eventing' } }),
  ]

  test('is where its webhook is, under any name, with its own components alone', async () => {
    const facts = await factsOf({ objects: installed })
    expect(facts['Knative Serving: namespace']).toBe('kn')
    expect(facts['Knative Serving: version']).toBe('1.2.3')
    expect(Object.keys(facts).filter((key) => /controller$/.test(key))).toEqual([
      'Knative Serving: controller',
      'Knative Serving: net-istio-controller',
    ])
  })

  test('has its settings from its ConfigMaps', async () => {
    const objects = [
      ...installed,
      map('kn', 'config-network', { 'http-protocol': 'Redirected', 'default-external-scheme': 'https' }),
      map('kn', 'config-domain', { _example: 'x', 'a.org': '', 'b.org': 'selector:\n  app: b' }),
    ]
    expect(await factsOf({ objects })).toMatchObject({
      'Knative Serving: URLs': 'https, HTTP redirected to HTTPS',
      'Knative Serving: domains': 'a.org, b.org (for app=b)',
    })
  })

  test('of which there are two is unknown, with the key that chooses', async () => {
    const objects = ['a', 'b'].map((namespace) => deployment(namespace, 'controller', serving('controller')))
    expect((await factsOf({ objects }))['Knative Serving: namespace']).toBe(
      'unknown: Knative Serving is in a and b: set knative.namespace in stack.yaml to the one to certify',
    )
    const chosen = await factsOf({ objects, stack: { knative: { namespace: 'b' } } })
    expect(chosen['Knative Serving: namespace']).toBe('b')
  })

  test('is not where stack.yaml says', async () => {
    const reading = readSurvey(surveyContext({ objects: installed, stack: { knative: { namespace: 'elsewhere' } } }))
    await expect(reading).rejects.toThrow(
      new UsageProblem(
        'stack.yaml: knative.namespace is elsewhere, where no Deployment controller of Knative Serving is; ' +
          'there is one in kn.',
      ),
    )
  })
})

describe('cert-manager', () => {
  test('is where its webhook is; ClusterIssuers have their secrets where its argument says', async () => {
    const objects = [
      webhook('Validating', 'cm-webhook', 'pki', 'webhook.cert-manager.io'),
      certManager('pki', ['--cluster-resource-namespace=$(POD_NAMESPACE)']),
    ]
    expect(await factsOf({ objects })).toMatchObject({
      'cert-manager: namespace': 'pki',
      "cert-manager: issuers' secrets": 'in namespace pki',
    })
  })

  test('looks for them in kube-system by default', async () => {
    const facts = await factsOf({ objects: [certManager('pki')] })
    expect(facts["cert-manager: issuers' secrets"]).toBe('in namespace kube-system')
  })

  test('of which there are two is unknown, with the key that chooses', async () => {
    const facts = await factsOf({ objects: [certManager('a'), certManager('b')] })
    expect(facts['cert-manager: namespace']).toBe(
      'unknown: cert-manager is in a and b: set certManager.namespace in stack.yaml to the one to certify',
    )
  })

  test('is not where stack.yaml says', async () => {
    const reading = readSurvey(surveyContext({ stack: { certManager: { namespace: 'x' } } }))
    await expect(reading).rejects.toThrow(
      'stack.yaml: certManager.namespace is x, where no Deployment has a container cert-manager-controller, ' +
        'nor anywhere else.',
    )
  })
})

describe('admission', () => {
  const refusing = (code: number, message: string) => () => {
    throw new ApiRefusal('creating Pod default/plumb-survey', { code, message })
  }
  const only = (kind: string, answer: (object: KubernetesObject) => KubernetesObject) => (object: KubernetesObject) =>
    object.kind === kind ? answer(object) : object

  test('that refuses says who and why', async () => {
    const message = 'pods "plumb-survey" is forbidden: violates PodSecurity "restricted:latest": host namespaces'
    const survey = await readSurvey(surveyContext({ dryCreate: only('Pod', refusing(403, message)) }))
    expect(survey.admission).toMatchObject({
      value: { refused: [{ what: 'Pod', by: 'PodSecurity restricted:latest', why: message }] },
    })
  })

  test('by a webhook that takes no dry runs is unknown', async () => {
    const message = 'admission webhook "x.y" does not support dry run'
    const survey = await readSurvey(surveyContext({ dryCreate: only('Namespace', refusing(400, message)) }))
    expect(unknownsOf(survey)).toEqual([`our namespaces, dry run: ${message}`])
  })

  test('that changes a pod says which fields, without those that the API server fills in', async () => {
    const mutate = (pod: KubernetesObject): KubernetesObject => {
      const made = structuredClone(pod)
      const [container] = made.spec.containers
      made.spec = {
        ...made.spec,
        containers: [{ ...container, image: 'mirror/node', terminationMessagePath: '/dev/termination-log' }],
        nodeSelector: { pool: 'apps' },
        tolerations: [{ key: 'node.kubernetes.io/not-ready' }],
        securityContext: {},
      }
      return made
    }
    const survey = await readSurvey(surveyContext({ dryCreate: only('Pod', mutate) }))
    expect(survey.admission).toMatchObject({
      value: {
        changed: [
          { what: 'Pod', field: 'spec.containers[app].image' },
          { what: 'Pod', field: 'spec.nodeSelector' },
        ],
      },
    })
  })
})
