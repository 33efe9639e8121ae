import { workloadNamespace } from '../cluster/workload.ts'
import { describeAnswer } from '../traffic/http.ts'
import type { Stack } from '../stack/stack.ts'
import { podsReady } from '../kube/until.ts'

/** The rule of Istio that splits the traffic of the A/B test. */
export type AbRule = 'weights' | 'by-header' | 'all-v1'

/** The guide's A/B test with Istio: v1 and v2 of the workload as Deployments, subsets of one host. */
export class AbTest {
  readonly host: string
  readonly namespace: string
  readonly #stack: Stack

  private constructor(stack: Stack, namespace: string) {
    this.#stack = stack
    this.namespace = namespace
    this.host = `ab.${namespace}.test`
  }

  /** The A/B test of this run; the first call creates it. */
  static open(stack: Stack): Promise<AbTest> {
    return stack.shared('ab', async () => {
      const namespace = await workloadNamespace(stack, 'ab')
      const test = new AbTest(stack, namespace)
      await stack.applyFixture('rollout/ab.yaml', { namespace, host: test.host })
      for (const version of ['v1', 'v2']) await stack.applyFixture('rollout/ab-version.yaml', { namespace, version })
      await stack.until({ kind: 'v1/Pod', namespace, labels: 'app=ab' }, podsReady(2), 'podReady')
      return test
    })
  }

  /** Replaces the rule. Only the gateways' answers show when it has reached them: see `untilServedBy`. */
  async rule(rule: AbRule): Promise<void> {
    await this.#stack.applyFixture(`rollout/ab-${rule}.yaml`, { namespace: this.namespace, host: this.host })
  }

  /**
   * Waits until every gateway pod has once answered a request with these headers by a version: a rule reaches each at
   * its own time.
   */
  async untilServedBy(version: string, headers: Record<string, string> = {}): Promise<void> {
    const gateways = (await this.#stack.istio.gatewayPods()).map((pod) => String(pod.status?.podIP))
    const updated = new Set<string>()
    await this.#stack.eventually(
      `answers of ${version} to requests with headers ${JSON.stringify(headers)} from every gateway pod`,
      async () => {
        const answers = await Promise.all(
          Array.from({ length: 8 }, () => this.#stack.ingress.send({ host: this.host, headers })),
        )
        for (const answer of answers)
          if (answer.headers['x-version'] === version) updated.add(answer.headers['x-gateway']?.split(':')[0] ?? '')
        const missing = gateways.filter((address) => !updated.has(address))
        return missing.length
          ? `none from gateway pods ${missing.join(', ')} (last answer: ${describeAnswer(answers[0]!)})`
          : undefined
      },
      'configPush',
    )
  }
}
