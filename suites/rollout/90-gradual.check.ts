import { check } from '../../src/check/check.ts'
import { failuresOf } from '../../src/traffic/samples.ts'
import { recordRollout, ROLLOUT_SECONDS } from '../../src/rollout/gradual-rollout.ts'

check(
  'rollout/gradual',
  {
    asserts: "config-network's rollout-duration moves traffic to a new revision in steps without a failed request",
    guide: '7',
    level: 'recommended',
    effect: 'tunes',
    within: 'rolloutCheck',
    needs: ['knative/hello-through-lb'],
    remedy: [
      'Set latestRevision: true on the traffic target: rollout-duration applies to no other target',
      'Set rollout-duration to at least a few seconds: steps take at least 1 s',
      "Check the Route's annotation serving.knative.dev/rollout, which has the state of the rollout",
    ],
  },
  async ({ stack, expect, measure }) => {
    const { shares, seconds, samples } = await recordRollout(stack)
    expect(failuresOf(samples), `Failed requests of ${samples.length} during the rollout`).toEqual({})
    expect(shares.at(0), 'VirtualService gradual-ingress, first share of the new revision in %').toBeLessThanOrEqual(1)
    expect(shares.at(-1), 'VirtualService gradual-ingress, last share of the new revision in %').toBe(100)
    expect(shares, 'VirtualService gradual-ingress, shares of the new revision, in ascending order').toEqual(
      shares.toSorted((a, b) => a - b),
    )
    const between = shares.filter((share) => share > 1 && share < 100)
    expect(
      between.length,
      `VirtualService gradual-ingress, steps between 1 % and 100 % (shares: ${shares.join(', ')})`,
    ).toBeGreaterThanOrEqual(2)
    // The new revision first answers at the first step, the old one last before the last step.
    expect(
      seconds,
      `rollout-duration ${ROLLOUT_SECONDS} s, seconds from the first answer of the new revision to the last of the old`,
    ).toBeGreaterThanOrEqual(ROLLOUT_SECONDS / 2)
    measure('duration of the rollout', seconds, 's')
    return (
      `the new revision got ${shares.join(', ')} % of the traffic within ${seconds.toFixed(1)} s; ` +
      `none of ${samples.length} requests failed`
    )
  },
)
