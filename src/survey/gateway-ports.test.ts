import { expect, test } from 'vitest'
import { listenersOf, listensOn, portsOf, wantsProxyProtocol } from './gateway-ports.ts'

const dump = (...listeners: object[]) =>
  JSON.stringify({ configs: listeners.map((listener) => ({ active_state: { listener } })).concat([{}] as never) })
const on = (port_value: number, more: object = {}) => ({ address: { socket_address: { port_value } }, ...more })

test('a port of the Service listens where Envoy does, whatever its target port', () => {
  const ports = [
    { port: 80, target: 80 },
    { port: 443, target: 443 },
  ]
  const listening = portsOf(listenersOf(dump(on(80), on(15443))))
  expect(listensOn(ports, listening, 'config_dump of Pod a/b')).toEqual({
    value: { 80: 80 },
    by: 'config_dump of Pod a/b',
  })
})

test('without any Gateway nothing listens: what would is derived from the Service', () => {
  expect(listensOn([{ port: 80, target: 8080 }], [], 'config_dump of Pod a/b')).toEqual({
    value: { 80: 8080 },
    by: 'spec.ports of the Service: no Gateway object opens a listener on them (config_dump of Pod a/b)',
  })
})

test('a listener that wants the PROXY protocol', () => {
  const filter = { listener_filters: [{ name: 'envoy.filters.listener.proxy_protocol' }] }
  expect(wantsProxyProtocol(listenersOf(dump(on(8080), on(8443, filter))))).toBe(true)
  expect(wantsProxyProtocol(listenersOf(dump(on(8080))))).toBe(false)
})
