import type { Cluster } from '../cluster/cluster.ts'
import type { Istio } from '../mesh/istio.ts'

/**
 * Waits until `reached` holds for the percentage of traces that each gateway's listeners sample at random.
 * @returns the percentage by pod
 * @throws StackFailure at the deadline, with what was last seen
 */
export async function traceSampling(
  stack: Cluster & { istio: Istio },
  reached: (percent: number) => boolean,
): Promise<Record<string, number>> {
  const pods = await stack.istio.gatewayPods()
  const sampled: Record<string, number> = {}
  await stack.eventually(
    'random sampling of traces in the gateway pods',
    async () => {
      for (const pod of pods) {
        const dump = await stack.istio.admin(pod, '/config_dump?resource=dynamic_listeners')
        // Envoy omits a field at its default: a listener without random_sampling samples all traces, or has no tracing.
        const found = /"random_sampling":\s*\{\s*(?:"value":\s*([\d.]+))?/.exec(dump)
        sampled[pod.metadata?.name ?? ''] = found ? Number(found[1] ?? 0) : NaN
      }
      const lacking = Object.entries(sampled).find(([, percent]) => !reached(percent))
      if (!lacking) return undefined
      const [pod, percent] = lacking
      return Number.isNaN(percent) ? `Pod ${pod} has no random_sampling` : `Pod ${pod} samples ${percent} %`
    },
    'configPush',
  )
  return sampled
}
