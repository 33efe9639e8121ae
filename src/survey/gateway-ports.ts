import type { Listener } from './access-log-sinks.ts'
import { found, type Fact } from './fact.ts'
import type { GatewayPort } from './survey.ts'

/** Envoy's config_dump, as far as listeners go. */
interface Dump {
  configs?: { active_state?: { listener?: Listener } }[]
}

/** The listeners that istiod gave a proxy, from config_dump?resource=dynamic_listeners. */
export const listenersOf = (dump: string): Listener[] =>
  ((JSON.parse(dump) as Dump).configs ?? []).flatMap(({ active_state }) => active_state?.listener ?? [])

/** The ports on which listeners listen. */
export const portsOf = (listeners: readonly Listener[]): number[] =>
  listeners.flatMap(({ address }) => address?.socket_address?.port_value ?? [])

/** Whether a listener wants the PROXY protocol before anything else. */
export const wantsProxyProtocol = (listeners: readonly Listener[]): boolean =>
  listeners.some(({ listener_filters = [] }) =>
    listener_filters.some(({ name }) => name === 'envoy.filters.listener.proxy_protocol'),
  )

/**
 * Where a gateway's Envoy listens, by the Service's port. Without any Gateway object it listens on none of them, and
 * would on the Service's target ports.
 */
export function listensOn(ports: readonly GatewayPort[], listening: readonly number[], by: string): Fact<Ports> {
  const open = ports.filter(({ target }) => listening.includes(target))
  if (open.length) return found(Object.fromEntries(open.map(({ port, target }) => [port, target])), by)
  const derived = Object.fromEntries(ports.map(({ port, target }) => [port, target]))
  return found(derived, `spec.ports of the Service: no Gateway object opens a listener on them (${by})`)
}

type Ports = Record<number, number>
