import { gatewayRows } from './gateway-rows.ts'
import { knativeRows } from './knative-rows.ts'
import { modeFor } from './mutual-tls.ts'
import { describeLabels, describeWorkload, installedBy, rowOf, rowsOfPart, type SurveyRow } from './rows.ts'
import type { Admission, Ambient, CertManagerFacts, Istiod, MutualTls, NodeFact, Survey } from './survey.ts'
import { counted } from '../core/counted.ts'

/** What a survey found, a row a fact: for `plumbline survey`, and for the report. */
export const surveyRows = (survey: Survey): SurveyRow[] => [
  ...clusterRows(survey),
  ...istioRows(survey),
  ...gatewayRows(survey.gateways),
  ...knativeRows(survey.knative),
  ...rowsOfPart('cert-manager', 'namespace', survey.certManager, certManagerRows, 'certManager.namespace'),
  ...rowsOfPart('our namespaces', 'admission', survey.admission, admissionRows),
]

function clusterRows({ platform, nodes }: Survey): SurveyRow[] {
  const { distribution, kubernetes, clusterDomain, gitops } = platform
  const tools = gitops.map(({ kind }) => (kind === 'argocd' ? 'Argo CD' : 'Flux')).join(', ')
  return [
    rowOf('cluster', 'Kubernetes', kubernetes, String),
    rowOf('cluster', 'distribution', distribution, String),
    rowOf('cluster', 'domain', clusterDomain, String),
    rowOf('cluster', 'nodes', nodes, describeNodes),
    ...(tools ? [{ part: 'cluster', fact: 'GitOps', value: tools, by: 'marks on Deployments' }] : []),
  ]
}

/** '4 nodes: 3 ready, 1 leaving (n: it is cordoned); zones a, b'. */
function describeNodes(nodes: readonly NodeFact[]): string {
  const states = [...Map.groupBy(nodes, ({ state }) => state)].map(([state, some]) => {
    const why = some.flatMap(({ name, why }) => (why ? [`${name}: ${why}`] : []))
    return `${some.length} ${state}${why.length ? ` (${why.join('; ')})` : ''}`
  })
  const zones = [...new Set(nodes.flatMap(({ zone }) => zone ?? []))].toSorted()
  return `${states.join(', ')}; ${zones.length ? `zones ${zones.join(', ')}` : 'no zones'}`
}

function istioRows({ istiods, injection, ambient, mutualTls }: Survey): SurveyRow[] {
  const key = 'istio.istiod'
  return [
    ...rowsOfPart('Istio', 'istiod', istiods, (all, by) => all.flatMap((istiod) => istiodRows(istiod, by)), key),
    rowOf('Istio', 'injection', injection, ({ labels, byDefault }) =>
      byDefault ? 'in every namespace, unasked' : `in namespaces with ${describeLabels(labels)}`,
    ),
    rowOf('Istio', 'ambient', ambient, describeAmbient),
    rowOf('Istio', 'mutual TLS', mutualTls, describeMutualTls),
  ]
}

function istiodRows(istiod: Istiod, by: string): SurveyRow[] {
  const { revision, tags, workload, version, meshConfigMap, rootNamespace, discoverySelectors } = istiod
  const name = revision === 'default' ? 'istiod' : `istiod ${revision}`
  const row = (fact: string, value: string, where = '') => ({
    part: 'Istio',
    fact: `${name}: ${fact}`,
    value,
    by: where,
  })
  return [
    { part: 'Istio', fact: name, value: describeWorkload(workload), by, key: 'istio.istiod' },
    rowOf('Istio', `${name}: version`, version, String),
    ...(tags.length ? [row('tags', tags.join(', '), 'webhook configurations with label istio.io/tag')] : []),
    rowOf(
      'Istio',
      `${name}: settings`,
      meshConfigMap,
      ({ namespace, name: map, owner }) => `ConfigMap ${namespace}/${map}${installedBy(owner)}`,
    ),
    row('root namespace', rootNamespace, 'its mesh configuration'),
    ...(discoverySelectors.length
      ? [row('discoverySelectors', JSON.stringify(discoverySelectors), 'its mesh configuration')]
      : []),
  ]
}

function describeAmbient({ ztunnel, cni, waypoints }: Ambient): string {
  const parts = [ztunnel, cni].flatMap((each) => (each ? [describeWorkload(each)] : []))
  return [...parts, counted(waypoints.length, 'waypoint')].join('; ')
}

function describeMutualTls(mutualTls: MutualTls): string {
  const inFresh = modeFor(mutualTls, { namespace: '', labels: {} })
  const count = mutualTls.policies.length
  return `${inFresh} where a namespace has no policy of its own; ${count} PeerAuthentication${count === 1 ? '' : 's'}`
}

function certManagerRows(certManager: CertManagerFacts, by: string): SurveyRow[] {
  const { namespace, version, components, issuerSecretsIn, approval, istioCsr } = certManager
  const part = 'cert-manager'
  const workloads = Object.entries(components).map(([component, workload]) => ({
    ...{ part, fact: component, value: describeWorkload(workload) },
    by: `container cert-manager-${component}`,
  }))
  return [
    { part, fact: 'namespace', value: namespace, by, key: 'certManager.namespace' },
    rowOf(part, 'version', version, String),
    ...workloads,
    rowOf(part, "issuers' secrets", issuerSecretsIn, (where) => `in namespace ${where}`),
    ...(approval === 'policy'
      ? [{ part, fact: 'approval', value: 'by policy', by: 'no certificaterequests-approver, or approver-policy' }]
      : []),
    ...(istioCsr ? [{ part, fact: 'istio-csr', value: describeWorkload(istioCsr), by: 'its label' }] : []),
  ]
}

function admissionRows(admission: Admission, by: string): SurveyRow[] {
  const part = 'our namespaces'
  const { refused, changed, unknown, namespaceLabels } = admission
  const fields = [...Map.groupBy(changed, ({ what }) => what)].map(
    ([what, some]) => `${what}: ${some.map(({ field }) => field).join(', ')}`,
  )
  return [
    ...(Object.keys(namespaceLabels).length
      ? [
          {
            ...{ part, fact: 'labels', value: describeLabels(namespaceLabels) },
            ...{ by: "istiod's discoverySelectors", key: 'ours.namespaceLabels' },
          },
        ]
      : []),
    { part, fact: 'refused', value: refused.map(({ what }) => what).join(', ') || 'nothing', by, key: 'ours' },
    ...refused.map(({ what, by: whom, why }) => ({ part, fact: `refused: ${what}`, value: why, by: whom })),
    { part, fact: 'changed', value: fields.join('; ') || 'nothing', by },
    ...unknown.map((why) => ({ part, fact: 'dry run', value: `unknown: ${why}`, by: '' })),
  ]
}

/** What could not be looked at, a sentence each. */
export const unknownsOf = (survey: Survey): string[] =>
  surveyRows(survey).flatMap(({ part, fact, value }) =>
    value.startsWith('unknown: ') ? [`${part}, ${fact}: ${value.slice('unknown: '.length)}`] : [],
  )
