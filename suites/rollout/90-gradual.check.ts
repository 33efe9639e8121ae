import { check } from '../../src/check/check.ts'
import { failuresOf } from '../../src/traffic/samples.ts'
import { recordRollout, ROLLOUT_SECONDS } from '../../src/rollout/gradual-rollout.ts'

check(
  'rollout/gradual',
  {
    asserts: "config-network's rollout-duration moves traffic to a new revision step by step, with no failed request",
    guide: '7',
    level: 'recommended',
    effect: 'tunes',
    within: 'rolloutCheck',
    needs: ['knative/hello-through-lb'],
    remedy:
      'it moves only the traffic of a target with latestRevision, and only above 1 s a step; the Route has the rollout in its annotation serving.knative.dev/rollout',
  },
  async ({ stack, expect, measure }) => {
    const { shares, seconds, samples } = await recordRollout(stack)
    expect(failuresOf(samples), `failed requests of ${samples.length} during the rollout`).toEqual({})
    expect(shares.at(0), 'share of the new revision at first, in %').toBeLessThanOrEqual(1)
    expect(shares.at(-1), 'share of the new revision at the end, in %').toBe(100)
    expect(shares, 'shares of the new revision, each larger than the one before').toEqual(
      shares.toSorted((a, b) => a - b),
    )
    const between = shares.filter((share) => share > 1 && share < 100)
    expect(between.length, `steps between 1 % and 100 % (${shares.join(', ')})`).toBeGreaterThanOrEqual(2)
    // The first answer of the new revision comes with the first step, the last of the old one with the last.
    expect(
      seconds,
      `seconds between the first answer of the new revision and the last of the old, of ${ROLLOUT_SECONDS}`,
    ).toBeGreaterThanOrEqual(ROLLOUT_SECONDS / 2)
    measure('duration of the rollout', seconds, 's')
    return `${shares.map((share) => `${share} %`).join(', ')} in ${seconds.toFixed(1)} s; none of ${samples.length} requests failed`
  },
)
