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
