import type { Fact } from './fact.ts'
import { describeLabels, describeWorkload, rowOf, rowsOfPart, type SurveyRow } from './rows.ts'
import type { AccessLogSink, Gateway, LoadBalancer } from './survey.ts'

const PART = 'gateways'

/** What a survey tells of gateways: the one that carries our requests in full, of others what they are. */
export const gatewayRows = (gateways: Fact<Gateway[]>): SurveyRow[] =>
  rowsOfPart(
    PART,
    'gateway',
    gateways,
    (all, by) => all.flatMap((gateway) => (gateway.role === 'certified' ? inFull(gateway, by) : [inShort(gateway)])),
    'gateway',
  )

const describeService = ({ service }: Gateway): string =>
  `Service ${service.namespace}/${service.name} (${service.type})`

const inShort = (gateway: Gateway): SurveyRow => ({
  ...{ part: PART, fact: `${gateway.role} gateway`, value: describeService(gateway) },
  by: gateway.role === 'other' || gateway.role === 'egress' ? 'a Service in front of gateway pods' : 'config-istio',
})

function inFull(gateway: Gateway, by: string): SurveyRow[] {
  const { workloads, ports, labels, listens, istiod, credentialNamespace, accessLog, balancer, proxyProtocol } = gateway
  const service = `Service ${gateway.service.namespace}/${gateway.service.name}`
  const row = (fact: string, value: string, where: string): SurveyRow => ({ part: PART, fact, value, by: where })
  return [
    { part: PART, fact: 'certified gateway', value: describeService(gateway), by, key: 'gateway' },
    row('pods of', workloads.map(describeWorkload).join('; '), 'owners of the pods behind the Service'),
    row('selected by', describeLabels(labels), "its pods' labels that no other gateway's have"),
    row('ports', ports.map(({ port, target }) => `${port} to ${target}`).join(', '), `${service}: spec.ports`),
    rowOf(
      PART,
      'listens on',
      listens,
      (byPort) =>
        Object.entries(byPort)
          .map(([port, own]) => `${own} for port ${port}`)
          .join(', ') || 'no port',
    ),
    rowOf(PART, 'configured by', istiod, (name) => `istiod ${name}`),
    row('certificates', `Secrets in namespace ${credentialNamespace}`, 'where its pods are'),
    rowOf(PART, 'access log', accessLog, describeSinks),
    rowOf(PART, 'PROXY protocol', proxyProtocol, (on) => (on ? 'on' : 'off')),
    rowOf(PART, 'load balancer', balancer, describeBalancer, 'loadBalancer.maker'),
    {
      ...rowOf(PART, 'addresses', balancer, ({ addresses }) => addresses.join(', ') || 'none', 'addresses.ingress'),
      ...('value' in balancer ? { by: `${service}: status.loadBalancer` } : {}),
    },
  ]
}

function describeSinks(sinks: readonly AccessLogSink[]): string {
  const told = sinks.map(({ kind, path, text, json, filtered }) => {
    const where = kind === 'file' ? `file ${path}` : kind === 'otel' ? 'OpenTelemetry' : kind === 'grpc' ? 'gRPC' : kind
    const format = json ? ' as JSON' : text ? ' as text' : ''
    return `${where}${format}${filtered ? ', filtered' : ''}`
  })
  return told.join('; ') || 'none'
}

function describeBalancer({ maker, class: name, controller, speakers, mode, pool, announcers }: LoadBalancer): string {
  const details = [
    name ? `class ${name}` : '',
    controller ? describeWorkload(controller) : '',
    speakers ? `speakers ${speakers.namespace}/${speakers.name}` : '',
    pool ? `pool ${pool}` : '',
    mode ?? '',
    announcers.length ? `announced by ${announcers.join(', ')}` : '',
  ]
  return [maker, ...details.filter(Boolean)].join('; ')
}
