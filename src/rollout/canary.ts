import { workloadNamespace } from '../cluster/workload.ts'
import { judgeCanary, requestsToJudge, stepOf, type CanaryLimits, type Decision } from './gate.ts'
import type { ReadyService, ServiceOptions } from '../knative/knative.ts'
import type { Sample } from '../traffic/samples.ts'
import { shareBounds } from './shares.ts'
import type { Stack } from '../stack/stack.ts'
import { measureShare, type ServedShare } from './versions-served.ts'

/** The steps of the guide's canary, in percent. */
const STEPS = [0, 5, 20, 50, 100]
const RATE = 100
const LIMITS: CanaryLimits = { failing: 0.01, mustCatch: 0.2, p95Ms: 1000 }
/** The new version may take twice as long as the old one, beyond the limit: a busy machine slows both. */
const TIMES_OF_OLD = 2
const SCALING = { 'min-scale': '1', 'max-scale': '1' }

/**
 * A canary: a Service with two revisions, v1 and the one that `release` created, and the traffic share of the newer
 * one.
 */
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

  /** Creates a Service of v1 in its own namespace. */
  static async start(stack: Stack, name: string): Promise<Canary> {
    const namespace = await workloadNamespace(stack, name)
    return new Canary(stack, await stack.knative.service(namespace, name, { scaling: SCALING, env: { VERSION: 'v1' } }))
  }

  /** The revision that `release` created. */
  get newest(): string {
    return this.#newest
  }

  /** Creates the new revision, with no traffic. */
  async release(env: Record<string, string>): Promise<void> {
    this.#env = env
    const traffic = [
      { revisionName: this.stable, percent: 100 },
      // Without a tag a revision at 0 % is not part of the Route and has no pod.
      { latestRevision: true, percent: 0, tag: 'next' },
    ]
    const { revision } = await this.#apply({ traffic })
    this.#newest = revision
  }

  /** Sends `percent` of the traffic to the new revision, and waits until every gateway does. */
  async setShare(percent: number): Promise<void> {
    await this.#apply({
      traffic: [
        { revisionName: this.stable, percent: 100 - percent },
        { revisionName: this.#newest, percent, tag: 'next' },
      ],
    })
  }

  /** Does `setShare` while requests go on, and gives their samples. */
  async moveTo(percent: number): Promise<{ samples: Sample[] }> {
    return this.#stack.ingress.probeWhile({ host: this.host }, { rate: RATE }, () => this.setShare(percent))
  }

  /**
   * Measures the new version's share at a step of the guide, with enough requests to tell it from the steps beside it
   * and for the gate to judge the new version; gives the gate's verdict too.
   */
  async judge(
    percent: number,
    signal: AbortSignal,
  ): Promise<{ served: ServedShare; verdict: Decision; p95Ms: number }> {
    const at = STEPS.indexOf(percent)
    const neighbours = [STEPS[at - 1], STEPS[at + 1]].filter((step) => step !== undefined).map((step) => step / 100)
    const served = await measureShare(
      this.#stack,
      { host: this.host },
      { version: 'v2', other: 'v1', share: percent / 100, neighbours, atLeast: requestsForGate(percent / 100) },
      signal,
    )
    const sumUp = (version: string) =>
      stepOf(
        served.answers
          .filter(({ headers }) => headers['x-version'] === version)
          .map(({ status, ms }) => ({ due: 0, status, ms })),
      )
    const [step, old] = [sumUp('v2'), sumUp('v1')]
    if (old.requests) this.#oldP95Ms = old.p95Ms
    const p95Ms = Math.max(LIMITS.p95Ms, TIMES_OF_OLD * this.#oldP95Ms)
    return { served, verdict: judgeCanary(step, { ...LIMITS, p95Ms }), p95Ms: step.p95Ms }
  }

  /**
   * Sends requests until the gate decides about the new version. If it aborts, sends all traffic back to v1 and goes on
   * until only v1 answers. An answer without a version counts for the new version: v1 always sets one.
   */
  async watch(signal: AbortSignal): Promise<{
    samples: Sample[]
    decision: Decision
    /**
     * Milliseconds from the first request until the gate decided, and until all traffic was back; how many requests
     * were due by then.
     */
    sentBack: { caughtAt: number; at: number; before: number }
  }> {
    const sumUpNew = (samples: readonly Sample[]) => stepOf(samples.filter(({ version }) => version !== 'v1'))
    const { samples, result } = await this.#stack.ingress.probeWhile(
      { host: this.host },
      { rate: RATE },
      async (prober) => {
        let decision = { go: 'wait', why: 'no request was sent yet' } as Decision
        await prober.until(
          "the gate's decision about v2",
          (answered) => {
            signal.throwIfAborted()
            decision = judgeCanary(sumUpNew(answered), LIMITS)
            return decision.go === 'wait' ? decision.why : undefined
          },
          'configPush',
        )
        const caughtAt = prober.now
        if (decision.go === 'abort') await this.setShare(0)
        const at = prober.now
        await prober.untilInARow('answers of v1 only', 200, ({ version }) => version === 'v1')
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

/** The fewest requests of which a version with this share gets enough for the gate, in 99.9 % of runs. */
function requestsForGate(share: number): number {
  const needed = requestsToJudge(LIMITS)
  for (let requests = needed; ; requests++) if (shareBounds(share, requests)[0] >= needed) return requests
}
