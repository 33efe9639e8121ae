import { expect, test } from 'vitest'
import type { Gateway, GatewayPort } from './survey.ts'
import { httpPortOf, httpsPortOf } from './traffic-ports.ts'

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
