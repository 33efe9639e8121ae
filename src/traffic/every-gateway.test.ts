import { expect, test } from 'vitest'
import { requestsToMeetAll } from './every-gateway.ts'

test.each([
  [0, 1],
  [1, 1],
  [2, 11],
  [3, 20],
  [10, 88],
])('%d gateways are all met by %d requests', (gateways, requests) => {
  expect(requestsToMeetAll(gateways)).toBe(requests)
})

test.each([2, 3, 5, 10, 40])('of %d gateways fewer would not do', (n) => {
  const missed = (requests: number) => n * (1 - 1 / n) ** requests
  expect(missed(requestsToMeetAll(n))).toBeLessThanOrEqual(0.001)
  expect(missed(requestsToMeetAll(n) - 1)).toBeGreaterThan(0.001)
})
