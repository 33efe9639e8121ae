import http from 'node:http'
import https from 'node:https'
import { isReadyPod, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { hasLabels } from '../api/selectors.ts'
import type { Network } from '../network.ts'
import { knativeGateways, type KnativeGateway } from './gateways.ts'

const LABEL = 'networking.internal.knative.dev'

interface Target {
  address: string
  port: number
  isSecure: boolean
}

interface Server {
  port: { number: number; protocol: string }
  tls?: { httpsRedirect?: boolean; mode?: string }
}

/**
 * Probes every host of an Ingress on every Ready pod of its gateways, as net-istio's prober does: servers that redirect
 * to HTTPS, or ask for a client's certificate, are passed over.
 * @returns what is missing; undefined where every probe is answered by the routes of this hash
 */
export async function probeIngress(
  objects: Objects,
  network: Network,
  ingress: KubeObject,
  hash: string,
): Promise<string | undefined> {
  const { labels, name, namespace } = ingress.metadata
  const rules = ingress.spec.rules as { hosts: string[]; visibility: string }[]
  const own = objects
    .list('gateways.networking.istio.io', namespace)
    .filter((each) => each.metadata.labels?.[`${LABEL}/ingress`] === name)
  const named = (kind: 'external' | 'local') => knativeGateways(objects, kind, labels)
  if ([...named('external'), ...named('local')].some((gateway) => podsOf(objects, gateway).length === 0))
    return 'no gateway pod is Ready'
  const probes = rules.flatMap(({ hosts: [host = ''], visibility }) => {
    const gateways = named(visibility === 'ExternalIP' ? 'external' : 'local')
    const isOwn = visibility === 'ExternalIP' && own.length > 0
    return gateways.flatMap((gateway) => {
      const shared = objects.get('gateways.networking.istio.io', gateway.name, gateway.namespace)
      return (isOwn ? own : [shared]).flatMap((each) =>
        targetsOf(objects, gateway, (each?.spec?.servers ?? []) as Server[]).map((target) => ({ ...target, host })),
      )
    })
  })
  const answers = await Promise.all(probes.map((each) => probe(network, each, each.host, hash)))
  const failed = probes.filter((_, at) => !answers[at])
  return failed.length ? `${failed.length} of ${probes.length} gateway probes are not answered yet` : undefined
}

const serviceOf = (objects: Objects, { service }: KnativeGateway): KubeObject | undefined => {
  const [name = '', namespace = ''] = service.split('.')
  return objects.get('services', name, namespace)
}

function podsOf(objects: Objects, gateway: KnativeGateway): KubeObject[] {
  const service = serviceOf(objects, gateway)
  return objects
    .list('pods', service?.metadata.namespace ?? '')
    .filter((pod) => isReadyPod(pod) && hasLabels(service?.spec?.selector, pod.metadata.labels))
}

function targetsOf(objects: Objects, gateway: KnativeGateway, servers: readonly Server[]): Target[] {
  const service = serviceOf(objects, gateway)
  const isTranslated = !service?.metadata.labels?.['experimental.istio.io/disable-gateway-port-translation']
  const ports = (service?.spec?.ports ?? []) as { port: number; targetPort?: number }[]
  return servers
    .filter(({ tls }) => !tls?.httpsRedirect && tls?.mode !== 'MUTUAL')
    .flatMap(({ port: { number, protocol } }) => {
      const mapped = isTranslated ? ports.find(({ port }) => port === number)?.targetPort : undefined
      return podsOf(objects, gateway).map((pod) => ({
        address: String(pod.status.podIP),
        port: Number(mapped ?? number),
        isSecure: protocol === 'HTTPS',
      }))
    })
}

function probe(network: Network, target: Target, host: string, hash: string): Promise<boolean> {
  const headers = {
    host,
    'user-agent': 'Knative-Ingress-Probe',
    'k-network-probe': 'probe',
    'k-network-hash': 'override',
  }
  const { address, port, isSecure } = target
  const options = { host: address, port: network.realPort(port), path: '/healthz', headers, timeout: 2000 }
  return new Promise((resolve) => {
    const answered = (answer: http.IncomingMessage) => {
      answer.resume()
      resolve(answer.statusCode === 200 && answer.headers['k-network-hash'] === hash)
    }
    const request = isSecure
      ? https.get({ ...options, agent: false, rejectUnauthorized: false, servername: host }, answered)
      : http.get({ ...options, agent: false }, answered)
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}
