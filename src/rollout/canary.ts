import { workloadNamespace } from '../cluster/workload.ts'
import type { ExpectStatic } from 'vitest'
import { judgeCanary, requestsToJudge, stepOf, type CanaryLimits, type Decision } from './gate.ts'
import type { ReadyService, ServiceOptions } from '../knative/knative.ts'
import type { Sample } from '../traffic/samples.ts'
import { shareBounds } from './shares.ts'
import type { Stack } from '../stack/stack.ts'
import { expectShare } from './versions-served.ts'

/** The steps of the guide's canary, in percent. */
const STEPS = [0, 5, 20, 50, 100]
const RATE = 100
const LIMITS: CanaryLimits = { failing: 0.01, mustCatch: 0.2, p95Ms: 1000 }
/** What the old version takes itself, twice, is no fault of the new one: a busy machine slows both. */
const TIMES_OF_OLD = 2
const SCALING = { 'min-scale': '1', 'max-scale': '1' }

/** A canary of our own: a Service of two revisions, v1 and what `release` made, and the share of traffic of the newer one. */
export class Canary {
  readonly namespace: string
  readonly name: string
  readonly host: string
  readonly stable: string
  readonly #stack: Stack
  #env: Record<string, string> = {}
  #newest = ''
  #oldP95Ms = 0

  private constructor(stack: Stack, service: ReadyService) {
    this.#stack = stack
    this.namespace = service.namespace
    this.name = service.name
    this.host = service.host
    this.stable = service.revision
  }

  /** A Service of v1, in a namespace of its own. */
  static async start(stack: Stack, name: string): Promise<Canary> {
    const namespace = await workloadNamespace(stack, name)
    return new Canary(stack, await stack.knative.service(namespace, name, { scaling: SCALING, env: { VERSION: 'v1' } }))
  }

  /** The revision that `release` made. */
  get newest(): string {
    return this.#newest
  }

  /** Makes the new revision, with no traffic. */
  async release(env: Record<string, string>): Promise<void> {
    this.#env = env
    const traffic = [
      { revisionName: this.stable, percent: 100 },
      // Without a tag it would be no part of the Route, and have no pod.
      { latestRevision: true, percent: 0, tag: 'next' },
    ]
    const { revision } = await this.#apply({ traffic })
    this.#newest = revision
  }

  /** Gives the new revision so many percent, and waits until every gateway has it so. */
  async share(percent: number): Promise<void> {
    await this.#apply({
      traffic: [
        { revisionName: this.stable, percent: 100 - percent },
        { revisionName: this.#newest, percent, tag: 'next' },
      ],
    })
  }

  /** The same while requests go on; gives their samples. */
  async moveTo(percent: number): Promise<{ samples: Sample[] }> {
    return this.#stack.ingress.probeWhile({ host: this.host }, { rate: RATE }, () => this.share(percent))
  }

  /**
   * Asserts the new version's share at a step, told from the steps beside it, and what the gate says of what it answered: with enough
   * requests to judge it.
   */
  async judge(
    context: { stack: Stack; expect: ExpectStatic; signal: AbortSignal },
    percent: number,
  ): Promise<{ share: string; verdict: Decision; p95Ms: number }> {
    const at = STEPS.indexOf(percent)
    const neighbours = [STEPS[at - 1], STEPS[at + 1]].filter((step) => step !== undefined).map((step) => step / 100)
    const { answers, seen } = await expectShare(
      context,
      { host: this.host },
      { version: 'v2', other: 'v1', share: percent / 100, neighbours, atLeast: requestsForGate(percent / 100) },
    )
    const of = (version: string) =>
      stepOf(
        answers
          .filter(({ headers }) => headers['x-version'] === version)
          .map(({ status, ms }) => ({ due: 0, status, ms })),
      )
    const [step, old] = [of('v2'), of('v1')]
    if (old.requests) this.#oldP95Ms = old.p95Ms
    const p95Ms = Math.max(LIMITS.p95Ms, TIMES_OF_OLD * this.#oldP95Ms)
    return { share: seen, verdict: judgeCanary(step, { ...LIMITS, p95Ms }), p95Ms: step.p95Ms }
  }

  /**
   * Lets requests go on until the gate decides about the new version; where it aborts, sends all traffic back and goes on for a while.
   * An answer without a version is none of the old one, which has always answered: it is the new one's.
   */
  async watch(signal: AbortSignal): Promise<{
    samples: Sample[]
    decision: Decision
    /** In milliseconds since the first request: when it was caught, when all was back, and how many had been sent by then. */
    sentBack: { caughtAt: number; at: number; before: number }
  }> {
    const ofNew = (samples: readonly Sample[]) => stepOf(samples.filter(({ version }) => version !== 'v1'))
    const { samples, result } = await this.#stack.ingress.probeWhile(
      { host: this.host },
      { rate: RATE },
      async (prober) => {
        let decision = { go: 'wait', why: 'nothing was sent yet' } as Decision
        await prober.until(
          "the gate's decision",
          (seen) => {
            signal.throwIfAborted()
            decision = judgeCanary(ofNew(seen), LIMITS)
            return decision.go === 'wait' ? decision.why : undefined
          },
          'configPush',
        )
        const caughtAt = prober.now
        if (decision.go === 'abort') await this.share(0)
        const at = prober.now
        await prober.untilInARow('answers of v1 alone', 200, ({ version }) => version === 'v1')
        return { decision, caughtAt, at }
      },
    )
    const { decision, caughtAt, at } = result
    return { samples, decision, sentBack: { caughtAt, at, before: samples.filter(({ due }) => due <= at).length } }
  }

  async #apply(options: ServiceOptions): Promise<ReadyService> {
    return this.#stack.knative.service(this.namespace, this.name, {
      ...options,
      scaling: SCALING,
      env: { VERSION: 'v1', ...this.#env },
    })
  }
}

/** So many requests that a version of this share gets enough to be judged by, but once in a thousand times. */
function requestsForGate(share: number): number {
  const needed = requestsToJudge(LIMITS)
  for (let requests = needed; ; requests++) if (shareBounds(share, requests)[0] >= needed) return requests
}
