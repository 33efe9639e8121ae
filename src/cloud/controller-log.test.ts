import { describe, expect, test } from 'vitest'
import { readControllerLog, timedLines } from './controller-log.ts'
import { makerFacts } from './makers.ts'

const at = (minutesAgo: number) => new Date(Date.UTC(2026, 0, 1, 12) - minutesAgo * 60_000)
const now = at(0).getTime()
const line = (minutesAgo: number, fields: object) => `${at(minutesAgo).toISOString()} ${JSON.stringify(fields)}`
const read = (maker: 'aws-lbc' | 'metallb', lines: string[], toldAt?: Date) =>
  readControllerLog(timedLines([lines.join('\n')]), 'mesh/edge', makerFacts(maker).logs!, {
    now,
    toldAt: toldAt?.getTime(),
  })

const deployed = (minutesAgo: number, service = 'mesh/edge') =>
  line(minutesAgo, { level: 'info', msg: 'successfully deployed model', service })
const denied = (minutesAgo: number) =>
  line(minutesAgo, {
    level: 'error',
    msg: 'Reconciler error',
    namespace: 'shop',
    error: 'AccessDenied: not authorized to perform: ec2:DescribeSubnets',
  })

describe('the log of the AWS Load Balancer Controller', () => {
  test('an authorization error before the last good reconcile is over', () => {
    const { reconciledAt, refused } = read('aws-lbc', [denied(60), deployed(50)])
    expect([reconciledAt, refused]).toEqual([at(50).getTime(), []])
  })

  test('one after it counts, and a young one counts whatever came after', () => {
    expect(read('aws-lbc', [deployed(50), denied(40)]).refused).toHaveLength(1)
    expect(read('aws-lbc', [denied(5), deployed(4)]).refused).toHaveLength(1)
  })

  test('where nothing was reconciled, every error counts', () => {
    expect(read('aws-lbc', [denied(600), denied(500)])).toMatchObject({
      refused: [expect.any(String), expect.any(String)],
    })
  })

  test('an event may tell of a reconcile that the log no longer has', () => {
    expect(read('aws-lbc', [denied(60)], at(30))).toEqual({ reconciledAt: at(30).getTime(), refused: [] })
  })

  test('another Service is another Service, though its name begins alike', () => {
    for (const other of ['mesh/edge-2', 'mesh/edge.x', 'other-mesh/edge'])
      expect(read('aws-lbc', [deployed(50, other)]).reconciledAt).toBeUndefined()
  })

  test('lines of several pods are read in the order of their time, and what has no time is passed over', () => {
    const lines = timedLines([`${deployed(5)}\nno time here\n`, deployed(9)])
    expect(lines.map((each) => each.at)).toEqual([at(9).getTime(), at(5).getTime()])
  })
})

describe('the log of MetalLB', () => {
  const end = (minutesAgo: number) => line(minutesAgo, { 'end reconcile': 'mesh/edge' })
  const failed = (minutesAgo: number) => line(minutesAgo, { msg: 'failed to handle service mesh/edge' })

  test('the end of a try that failed is no good one', () => {
    expect(read('metallb', [failed(30), end(30)]).reconciledAt).toBeUndefined()
    expect(read('metallb', [failed(30), end(30), end(20)]).reconciledAt).toBe(at(20).getTime())
  })
})
