import { expect, test } from 'vitest'
import { found, unknown } from './fact.ts'
import type { Gateway, GatewayPort } from './survey.ts'
import { balancedPorts, httpPortOf, httpsPortOf } from './traffic-ports.ts'

const gatewayWith = (...ports: GatewayPort[]) => ({ ports }) as Gateway

test('the usual numbers come first, whatever their names', () => {
  const gateway = gatewayWith(
    { name: 'http-other', port: 8000, target: 8000 },
    { name: 'web', port: 80, target: 8080 },
    { name: 'secure', port: 443, target: 8443 },
  )
  expect(httpPortOf(gateway)?.target).toBe(8080)
  expect(httpsPortOf(gateway)?.target).toBe(8443)
})

test('other numbers are told by their names', () => {
  const gateway = gatewayWith(
    { name: 'status-port', port: 15021, target: 15021 },
    { name: 'https', port: 9443, target: 8443 },
    { name: 'http2', port: 9080, target: 8080 },
  )
  expect(httpPortOf(gateway)?.port).toBe(9080)
  expect(httpsPortOf(gateway)?.port).toBe(9443)
})

test('a gateway for HTTPS alone has no port for HTTP', () => {
  expect(httpPortOf(gatewayWith({ name: 'https', port: 443, target: 443 }))).toBeUndefined()
})

test('targets must be healthy behind the status port and what the Envoys listen on', () => {
  const gateway = {
    ...gatewayWith(
      { name: 'status', port: 15021, target: 15021 },
      { name: 'http2', port: 80, target: 8080 },
      { name: 'https', port: 443, target: 8443 },
    ),
    statusPort: 15021,
  }
  const numbers = (listens: Gateway['listens']) => balancedPorts({ ...gateway, listens }).map(({ port }) => port)
  expect(numbers(found({ 443: 8443 }, 'test'))).toEqual([15021, 443])
  expect(numbers(found({ 80: 8080, 443: 8443 }, 'test'))).toEqual([15021, 80, 443])
  expect(numbers(unknown('refused'))).toEqual([15021, 80])
})
