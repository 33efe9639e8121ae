import { check } from '../../src/check/check.ts'
import { BlueGreen } from '../../src/rollout/blue-green.ts'
import { failuresOf } from '../../src/traffic/samples.ts'
import { answersOf, expectShare, moveAll, versionsOf } from '../../src/rollout/versions-served.ts'

// The guide's blue/green, step by step: each check moves the traffic of one Route on from where the one before left it.

/** Requests a second while traffic moves. */
const RATE = 100
/** Requests that show that a version gets none of the traffic: of a share of 1 % one would be there but once in a thousand times. */
const TO_SEE_ONE_PERCENT = 688

check(
  'rollout/blue-only',
  {
    asserts: 'a Configuration and a Route of its own: all traffic goes to blue',
    guide: '6',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['knative/hello-through-lb'],
    remedy:
      "look at the Route's conditions: AllTrafficAssigned names a revision that is missing, IngressReady the gateway",
  },
  async ({ stack, expect, signal }) => {
    const { host, blue } = await BlueGreen.of(stack)
    expect(blue, "the revision's name, the Configuration's with its generation").toMatch(/^blue-green-\d{5}$/)
    const answers = await answersOf(stack, expect, { host }, 100, signal)
    expect(versionsOf(answers), 'answers by version, of 100').toEqual({ blue: 100 })
    return `${blue} answered 100 of 100`
  },
)

check(
  'rollout/green-tagged',
  {
    asserts: 'green at 0 % under the tag v2: its own URL serves it, the main one never does',
    guide: '6',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['rollout/blue-only'],
    remedy:
      'status.traffic of the Route has the URL of each tag; its host must be resolved and routed like the main one (config-network, tag-template)',
  },
  async ({ stack, expect, signal }) => {
    const rollout = await BlueGreen.of(stack)
    const green = await rollout.release()
    await rollout.traffic({ revisionName: rollout.blue, percent: 100 }, { revisionName: green, percent: 0, tag: 'v2' })
    const tagged = await rollout.hostOf('v2')
    await stack.ingress.until(
      { host: tagged, within: 'coldRequest' },
      (answer) => answer.status === 200,
      'coldRequest',
      1,
    )
    expect(versionsOf(await answersOf(stack, expect, { host: tagged }, 50, signal)), `answers of ${tagged}`).toEqual({
      green: 50,
    })
    const main = await answersOf(stack, expect, { host: rollout.host }, TO_SEE_ONE_PERCENT, signal)
    expect(versionsOf(main), `answers of ${rollout.host}`).toEqual({ blue: TO_SEE_ONE_PERCENT })
    return `${tagged} served by green, ${rollout.host} ${TO_SEE_ONE_PERCENT} times by blue alone`
  },
)

check(
  'rollout/half-and-half',
  {
    asserts:
      'traffic 50/50: shares within the 99.9 % bounds of the binomial distribution, no failed request during the change',
    guide: '6',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['rollout/green-tagged'],
    remedy:
      "compare the weights of the VirtualService blue-green-ingress with the Route's; the split is by Envoy's weights, the autoscaler has no part in it",
  },
  async ({ stack, expect, signal, measure }) => {
    const rollout = await BlueGreen.of(stack)
    const { host, blue, green } = rollout
    const { samples } = await stack.ingress.probeWhile({ host }, { rate: RATE }, async () => {
      await rollout.traffic({ revisionName: blue, percent: 50 }, { revisionName: green, percent: 50 })
    })
    expect(failuresOf(samples), `failed requests of ${samples.length} during the change`).toEqual({})
    const { seen, answers } = await expectShare(
      { stack, expect, signal },
      { host },
      { version: 'green', other: 'blue', share: 0.5, neighbours: [0.4, 0.6] },
    )
    measure('share of green', (versionsOf(answers).green ?? 0) / answers.length, 'of 1')
    return `green answered ${seen}; none of ${samples.length} requests failed during the change`
  },
)

check(
  'rollout/green-full',
  {
    asserts: 'all traffic to green with no failed request, and blue stays to be had under the tag v1',
    guide: '6',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['rollout/half-and-half'],
    remedy: 'a revision that is kept by a tag keeps its pods (min-scale); see its PodAutoscaler and the Route',
  },
  async ({ stack, expect, signal, measure }) => {
    const rollout = await BlueGreen.of(stack)
    const { host, blue, green } = rollout
    const { lastMs, sent } = await moveAll(stack, expect, { host }, 'blue', () =>
      rollout.traffic({ revisionName: blue, percent: 0, tag: 'v1' }, { revisionName: green, percent: 100 }),
    )
    measure('time to the last blue answer', lastMs / 1000, 's')
    expect(
      versionsOf(await answersOf(stack, expect, { host: await rollout.hostOf('v1') }, 50, signal)),
      'answers of the tag v1',
    ).toEqual({ blue: 50 })
    return `the last blue answer ${(lastMs / 1000).toFixed(1)} s after the change; none of ${sent} requests failed; v1 serves blue`
  },
)

check(
  'rollout/rollback',
  {
    asserts: 'back to blue with no failed request, and how long green still answers',
    guide: '6',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['rollout/green-full'],
    remedy:
      'the way back is the way forth: the Route, its VirtualService, every gateway; a gateway that answers longest with green is behind (istioctl proxy-status)',
  },
  async ({ stack, expect, measure }) => {
    const rollout = await BlueGreen.of(stack)
    const { host, blue, green } = rollout
    const { lastMs, sent } = await moveAll(stack, expect, { host }, 'green', () =>
      rollout.traffic({ revisionName: blue, percent: 100 }, { revisionName: green, percent: 0, tag: 'v2' }),
    )
    measure('time to the last green answer', lastMs / 1000, 's')
    return `the last green answer ${(lastMs / 1000).toFixed(1)} s after the change; none of ${sent} requests failed`
  },
)
