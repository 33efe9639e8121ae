import { expect, test } from 'vitest'
import { readBalancerEvents } from './balancer-events.ts'

const event = (reason: string, minute: number, type = 'Normal') => ({
  ...{ reason, type, lastTimestamp: `2026-01-01T12:0${minute}:00Z` },
})
const at = (minute: number) => Date.parse(`2026-01-01T12:0${minute}:00Z`)

test('the last event about the load balancer counts, whatever their order', () => {
  const { last, goodAt } = readBalancerEvents([
    event('FailedDeployModel', 3, 'Warning'),
    event('SuccessfullyReconciled', 1),
  ])
  expect([last?.reason, goodAt]).toEqual(['FailedDeployModel', at(1)])
})

test("a node's announcement is good, and says nothing of the allocation", () => {
  const { last, goodAt } = readBalancerEvents([event('nodeAssigned', 5), event('AllocationFailed', 4, 'Warning')])
  expect([last?.reason, goodAt]).toEqual(['AllocationFailed', at(5)])
})

test('events of new style have another time', () => {
  const { goodAt } = readBalancerEvents([{ reason: 'EnsuredLoadBalancer', eventTime: '2026-01-01T12:02:00Z' }])
  expect(goodAt).toBe(at(2))
})

test('other events say nothing', () => {
  expect(readBalancerEvents([event('Synced', 1)])).toEqual({})
})
