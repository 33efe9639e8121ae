import { check } from '../../src/check/check.ts'
import { BlueGreen } from '../../src/rollout/blue-green.ts'
import { failuresOf } from '../../src/traffic/samples.ts'
import { countAnswers, measureShare, moveAll } from '../../src/rollout/versions-served.ts'
import { expectShare } from './expect-share.ts'

// The guide's blue/green rollout: each check continues with the Route as the check before left it.

/** Requests a second while traffic moves. */
const RATE = 100
/**
 * Requests that show that a version gets no traffic: with a share of 1 % it would answer one of them in 99.9 % of runs.
 */
const TO_SEE_ONE_PERCENT = 688

check(
  'rollout/blue-only',
  {
    asserts: 'with a Configuration and a Route of 100 % to blue, blue answers all requests',
    guide: '6',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['knative/hello-through-lb'],
    remedy: [
      "Check the Route's conditions with kubectl describe route",
      'If AllTrafficAssigned is not True, look for the missing revision that it names',
      'If IngressReady is not True, check the gateway and net-istio-controller',
    ],
  },
  async ({ stack, expect, signal }) => {
    const { host, blue } = await BlueGreen.open(stack)
    expect(blue, 'Configuration blue-green, name of its first revision').toMatch(/^blue-green-\d{5}$/)
    expect(await countAnswers(stack, { host }, 100, signal), `${host}, answers by version`).toEqual({ blue: 100 })
    return `${blue} answered 100 of 100 requests`
  },
)

check(
  'rollout/green-tagged',
  {
    asserts: 'the URL of the tag v2 serves green at 0 % of traffic, and the main URL never does',
    guide: '6',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['rollout/blue-only'],
    remedy: [
      "Check the URL of the tag in the Route's status.traffic",
      'Check tag-template in config-network: the host of a tag must be routed like the main host',
    ],
  },
  async ({ stack, expect, signal }) => {
    const rollout = await BlueGreen.open(stack)
    const green = await rollout.release()
    await rollout.traffic({ revisionName: rollout.blue, percent: 100 }, { revisionName: green, percent: 0, tag: 'v2' })
    const tagged = await rollout.hostOf('v2')
    await stack.ingress.until(
      { host: tagged, within: 'coldRequest' },
      (answer) => answer.status === 200,
      'coldRequest',
      { inARow: 1 },
    )
    expect(await countAnswers(stack, { host: tagged }, 50, signal), `${tagged}, answers by version`).toEqual({
      green: 50,
    })
    const main = await countAnswers(stack, { host: rollout.host }, TO_SEE_ONE_PERCENT, signal)
    expect(main, `${rollout.host}, answers by version`).toEqual({ blue: TO_SEE_ONE_PERCENT })
    return `green answered all requests of ${tagged}; blue answered all ${TO_SEE_ONE_PERCENT} of ${rollout.host}`
  },
)

check(
  'rollout/half-and-half',
  {
    asserts:
      'with traffic 50/50 the share of green is within the 99.9 % interval of the binomial distribution, ' +
      'and no request fails during the change',
    guide: '6',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['rollout/green-tagged'],
    remedy: ["Compare the weights of VirtualService blue-green-ingress with the Route's: Envoy splits traffic by them"],
  },
  async ({ stack, expect, signal, measure }) => {
    const rollout = await BlueGreen.open(stack)
    const { host, blue, green } = rollout
    const { samples } = await stack.ingress.probeWhile({ host }, { rate: RATE }, async () => {
      await rollout.traffic({ revisionName: blue, percent: 50 }, { revisionName: green, percent: 50 })
    })
    expect(failuresOf(samples), `Failed requests of ${samples.length} during the change`).toEqual({})
    const served = await measureShare(
      stack,
      { host },
      { version: 'green', other: 'blue', share: 0.5, neighbours: [0.4, 0.6] },
      signal,
    )
    const answered = expectShare(expect, served)
    measure('share of green', served.count / served.answers.length, 'of 1')
    return `${answered}; none of ${samples.length} requests failed during the change`
  },
)

check(
  'rollout/green-full',
  {
    asserts: 'all traffic moves to green without a failed request, and the tag v1 still serves blue',
    guide: '6',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['rollout/half-and-half'],
    remedy: [
      "Check the Route's status.traffic for the tag v1: it keeps the old revision and its min-scale pods",
      'Check the PodAutoscaler of the old revision',
    ],
  },
  async ({ stack, expect, signal, measure }) => {
    const rollout = await BlueGreen.open(stack)
    const { host, blue, green } = rollout
    const { lastMs, sent, failures } = await moveAll(stack, { host }, 'blue', () =>
      rollout.traffic({ revisionName: blue, percent: 0, tag: 'v1' }, { revisionName: green, percent: 100 }),
    )
    expect(failures, `Failed requests of ${sent} during the change`).toEqual({})
    measure('time to the last blue answer', lastMs / 1000, 's')
    const tagged = await rollout.hostOf('v1')
    expect(await countAnswers(stack, { host: tagged }, 50, signal), `${tagged}, answers by version`).toEqual({
      blue: 50,
    })
    return (
      `blue answered until ${(lastMs / 1000).toFixed(1)} s after the change, and still answers ${tagged}; ` +
      `none of ${sent} requests failed`
    )
  },
)

check(
  'rollout/rollback',
  {
    asserts: 'all traffic moves back to blue without a failed request',
    guide: '6',
    level: 'required',
    effect: 'writes',
    within: 'rolloutCheck',
    needs: ['rollout/green-full'],
    remedy: [
      "Compare the Route's traffic with the weights of its VirtualService",
      'Look for a gateway pod with an old configuration in istioctl proxy-status',
    ],
  },
  async ({ stack, expect, measure }) => {
    const rollout = await BlueGreen.open(stack)
    const { host, blue, green } = rollout
    const { lastMs, sent, failures } = await moveAll(stack, { host }, 'green', () =>
      rollout.traffic({ revisionName: blue, percent: 100 }, { revisionName: green, percent: 0, tag: 'v2' }),
    )
    expect(failures, `Failed requests of ${sent} during the change`).toEqual({})
    measure('time to the last green answer', lastMs / 1000, 's')
    return `green answered until ${(lastMs / 1000).toFixed(1)} s after the change; none of ${sent} requests failed`
  },
)
