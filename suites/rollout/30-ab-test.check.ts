import { check } from '../../src/check/check.ts'
import { AbTest } from '../../src/rollout/ab-test.ts'
import { answersOf, expectShare, moveAll, versionsOf } from '../../src/rollout/versions-served.ts'

// The guide's A/B test, on plain Deployments: each check puts its own rule in the place of the one before.

/** Without the rule one in two of these would go astray; with a tenth of a percent astray one is seen in half the runs. */
const ALWAYS = 300

check(
  'rollout/by-header',
  {
    asserts: 'user-type: premium always goes to v2 and all others to v1, and the same by cookie',
    guide: '7',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['mesh/nginx-through-lb'],
    remedy:
      'the first rule that matches wins: the one with the match must stand before the one without (istioctl proxy-config routes)',
  },
  async ({ stack, expect, signal }) => {
    const test = await AbTest.of(stack)
    const { host } = test
    await test.rule('by-header')
    const premium = [{ 'user-type': 'premium' }, { cookie: 'theme=dark; user-type=premium' }]
    const others = [{}, { 'user-type': 'basic' }, { cookie: 'user-type=basic' }]
    for (const headers of premium) await test.untilServedBy('v2', headers)
    await test.untilServedBy('v1')
    for (const headers of premium)
      expect(
        versionsOf(await answersOf(stack, expect, { host, headers }, ALWAYS, signal)),
        `answers with ${JSON.stringify(headers)}`,
      ).toEqual({ v2: ALWAYS })
    for (const headers of others)
      expect(
        versionsOf(await answersOf(stack, expect, { host, headers }, ALWAYS, signal)),
        `answers with ${JSON.stringify(headers)}`,
      ).toEqual({ v1: ALWAYS })
    return `premium by header and by cookie: v2 ${ALWAYS} times each; ${others.length} others: v1 ${ALWAYS} times each`
  },
)

check(
  'rollout/weights',
  {
    asserts: 'DestinationRule subsets and a VirtualService of 70/30: shares within the 99.9 % bounds',
    guide: '7',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['rollout/by-header'],
    remedy:
      'compare the weights in the gateways (istioctl proxy-config routes -o json) with the VirtualService; a second one on the host wins where it is older',
  },
  async ({ stack, expect, signal, measure }) => {
    const test = await AbTest.of(stack)
    const { host } = test
    await test.rule('weights')
    // Under the rule before, premium users had v2 alone.
    await test.untilServedBy('v1', { 'user-type': 'premium' })
    const { answers, seen } = await expectShare(
      { stack, expect, signal },
      { host },
      { version: 'v2', other: 'v1', share: 0.3, neighbours: [0.2, 0.4] },
    )
    measure('share of v2', (versionsOf(answers).v2 ?? 0) / answers.length, 'of 1')
    return `v2 answered ${seen}`
  },
)

check(
  'rollout/revert-rule',
  {
    asserts: 'the rule taken back: all traffic to v1, no failed request, and how long v2 still answers',
    guide: '7',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['rollout/weights'],
    remedy: 'a gateway that still has the rule is behind: istioctl proxy-status, and the log of istiod',
  },
  async ({ stack, expect, measure }) => {
    const test = await AbTest.of(stack)
    // Under 70/30 ten answers of v2 in a row would not come; premium users have it alone.
    await test.rule('by-header')
    await test.untilServedBy('v2', { 'user-type': 'premium' })
    const request = { host: test.host, headers: { 'user-type': 'premium' } }
    const { lastMs, sent } = await moveAll(stack, expect, request, 'v2', () => test.rule('all-v1'))
    measure('time to the last v2 answer', lastMs / 1000, 's')
    return `the last v2 answer ${(lastMs / 1000).toFixed(1)} s after the change; none of ${sent} requests failed`
  },
)
