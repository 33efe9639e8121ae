import type { Fact } from './fact.ts'
import { describeLabels, describeWorkload, installedBy, rowOf, rowsOfPart, type SurveyRow } from './rows.ts'
import type { KnativeFacts, KnativeGateway } from './survey.ts'

const PART = 'Knative Serving'

/** What a survey tells of Knative Serving. */
export const knativeRows = (knative: Fact<KnativeFacts>): SurveyRow[] =>
  rowsOfPart(PART, 'namespace', knative, rowsOfKnative, 'knative.namespace')

function rowsOfKnative(knative: KnativeFacts, by: string): SurveyRow[] {
  const { namespace, version, serving, owner, components, ingress, ingressClass, otherIngresses, gateways } = knative
  const network = `ConfigMap ${namespace}/config-network`
  const row = (fact: string, value: string, where: string): SurveyRow => ({ part: PART, fact, value, by: where })
  const operator = serving ? `KnativeServing ${serving.namespace}/${serving.name}` : ''
  return [
    { part: PART, fact: 'namespace', value: namespace, by, key: 'knative.namespace' },
    rowOf(PART, 'version', version, String),
    ...(operator || owner
      ? [row('installed by', operator || installedBy(owner).replace(', by ', ''), 'marks on its Deployments')]
      : []),
    ...Object.entries(components).map(([component, workload]) =>
      row(component, describeWorkload(workload), 'its labels'),
    ),
    rowOf(PART, 'ingress', ingress, (layer) => (layer === 'other' ? ingressClass : layer)),
    ...(otherIngresses.length
      ? [row('beside it', otherIngresses.join(', '), 'Deployments with label networking.knative.dev/ingress-provider')]
      : []),
    row('domains', describeDomains(knative.domains), `ConfigMap ${namespace}/config-domain`),
    row('domain template', knative.domainTemplate, network),
    row('URLs', describeUrls(knative), network),
    rowOf(PART, 'external gateways', gateways, ({ external }) => describeGateways(external)),
    rowOf(PART, 'local gateways', gateways, ({ local }) => describeGateways(local)),
  ]
}

const describeDomains = (domains: KnativeFacts['domains']): string =>
  Object.entries(domains)
    .map(([domain, selector]) =>
      Object.keys(selector).length ? `${domain} (for ${describeLabels(selector)})` : domain,
    )
    .join(', ') || 'none: every Service is cluster-local'

function describeUrls({ scheme, httpProtocol, externalDomainTls }: KnativeFacts): string {
  const http = { enabled: '', disabled: ', HTTP disabled', redirected: ', HTTP redirected to HTTPS' }[httpProtocol]
  return `${scheme}${http}${externalDomainTls ? ', certificates by cert-manager' : ''}`
}

const describeGateways = (gateways: readonly KnativeGateway[]): string =>
  gateways
    .map(({ namespace, name, service }) => `${namespace}/${name} (Service ${service.namespace}/${service.name})`)
    .join(', ') || 'none'
