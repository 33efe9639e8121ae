import { valueOr } from './fact.ts'
import type { Gateway, GatewayPort } from './survey.ts'

/** A name that Istio reads a protocol from: http, http-web, http2, but not https. */
const isHttp = ({ name = '' }: GatewayPort): boolean => /^(http|http2)(-|$)/.test(name)
const isHttps = ({ name = '' }: GatewayPort): boolean => /^(https|tls)(-|$)/.test(name)

/** The port of a gateway's Service that takes plain HTTP: 80, else one whose name says so. */
export const httpPortOf = ({ ports }: Gateway): GatewayPort | undefined =>
  ports.find(({ port }) => port === 80) ?? ports.find(isHttp)

/** The port of a gateway's Service that takes HTTPS: 443, else one whose name says so. */
export const httpsPortOf = ({ ports }: Gateway): GatewayPort | undefined =>
  ports.find(({ port }) => port === 443) ?? ports.find(isHttps)

/**
 * The ports of a gateway's Service behind which a load balancer's targets must be healthy: its status port, and those
 * for HTTP and HTTPS that its Envoys listen on; of these HTTP alone where nobody could ask the Envoys.
 */
export function balancedPorts(gateway: Gateway): GatewayPort[] {
  const listens = valueOr(gateway.listens, undefined)
  const [http, https] = [httpPortOf(gateway), httpsPortOf(gateway)]
  const traffic = listens ? [http, https].filter((each) => each && each.port in listens) : [http]
  const status = gateway.ports.find(({ target }) => target === gateway.statusPort)
  return [status, ...traffic].filter((each) => each !== undefined)
}
