import { check } from '../../src/check/check.ts'
import { AbTest } from '../../src/rollout/ab-test.ts'
import { countAnswers, measureShare, moveAll } from '../../src/rollout/versions-served.ts'
import { expectShare } from './expect-share.ts'

// The guide's A/B test, on Deployments: each check replaces the rule of the check before.

/** Requests of each kind: without the rule half of them would get the wrong version. */
const ALWAYS = 300

check(
  'rollout/by-header',
  {
    asserts: 'requests with user-type premium, by header or cookie, always go to v2, and all others to v1',
    guide: '7',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['mesh/nginx-through-lb'],
    remedy: [
      'Order the routes of the VirtualService: the first match wins, so the route without a match must come last',
      'Check the order in the gateway with istioctl proxy-config routes',
    ],
  },
  async ({ stack, expect, signal }) => {
    const test = await AbTest.open(stack)
    const { host } = test
    await test.rule('by-header')
    const premium = [{ 'user-type': 'premium' }, { cookie: 'theme=dark; user-type=premium' }]
    const others = [{}, { 'user-type': 'basic' }, { cookie: 'user-type=basic' }]
    for (const headers of premium) await test.untilServedBy('v2', headers)
    await test.untilServedBy('v1')
    for (const headers of premium)
      expect(
        await countAnswers(stack, { host, headers }, ALWAYS, signal),
        `Requests with headers ${JSON.stringify(headers)}, answers by version`,
      ).toEqual({ v2: ALWAYS })
    for (const headers of others)
      expect(
        await countAnswers(stack, { host, headers }, ALWAYS, signal),
        `Requests with headers ${JSON.stringify(headers)}, answers by version`,
      ).toEqual({ v1: ALWAYS })
    return (
      `v2 answered all ${ALWAYS} premium requests by header and by cookie, ` +
      `v1 all ${ALWAYS} of each of ${others.length} other kinds`
    )
  },
)

check(
  'rollout/weights',
  {
    asserts: 'with VirtualService weights of 70/30 the share of v2 is within the 99.9 % interval',
    guide: '7',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['rollout/by-header'],
    remedy: [
      'Compare the weights in the gateways (istioctl proxy-config routes -o json) with the VirtualService',
      'Look for a second VirtualService on the same host: the older one wins',
    ],
  },
  async ({ stack, expect, signal, measure }) => {
    const test = await AbTest.open(stack)
    const { host } = test
    await test.rule('weights')
    // With the rule before, premium users got only v2.
    await test.untilServedBy('v1', { 'user-type': 'premium' })
    const served = await measureShare(
      stack,
      { host },
      { version: 'v2', other: 'v1', share: 0.3, neighbours: [0.2, 0.4] },
      signal,
    )
    const answered = expectShare(expect, served)
    measure('share of v2', served.count / served.answers.length, 'of 1')
    return answered
  },
)

check(
  'rollout/revert-rule',
  {
    asserts: 'after the rule is reverted all traffic moves to v1 without a failed request',
    guide: '7',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['rollout/weights'],
    remedy: ['Look for a gateway pod with an old configuration in istioctl proxy-status', 'Check the log of istiod'],
  },
  async ({ stack, expect, measure }) => {
    const test = await AbTest.open(stack)
    // Premium users get only v2, so that the change away from it shows.
    await test.rule('by-header')
    await test.untilServedBy('v2', { 'user-type': 'premium' })
    const request = { host: test.host, headers: { 'user-type': 'premium' } }
    const { lastMs, sent, failures } = await moveAll(stack, request, 'v2', () => test.rule('all-v1'))
    expect(failures, `Failed requests of ${sent} during the change`).toEqual({})
    measure('time to the last v2 answer', lastMs / 1000, 's')
    return `v2 answered until ${(lastMs / 1000).toFixed(1)} s after the change; none of ${sent} requests failed`
  },
)
