import type { Cluster } from '../cluster/cluster.ts'
import type { Istio } from '../mesh/istio.ts'

/**
 * The share of traces, in percent, that each gateway's listeners sample at random, once `reached` holds for all of them.
 * @throws StackFailure at the deadline, with what was last seen
 */
export async function traceSampling(
  stack: Cluster & { istio: Istio },
  reached: (percent: number) => boolean,
): Promise<Record<string, number>> {
  const pods = await stack.istio.gatewayPods()
  const sampled: Record<string, number> = {}
  await stack.eventually(
    'random sampling of traces in the gateways',
    async () => {
      for (const pod of pods) {
        const dump = await stack.istio.admin(pod, '/config_dump?resource=dynamic_listeners')
        // Envoy leaves a field out that is at its default: a listener without one samples everything, or has no tracing.
        const found = /"random_sampling":\s*\{\s*(?:"value":\s*([\d.]+))?/.exec(dump)
        sampled[pod.metadata?.name ?? ''] = found ? Number(found[1] ?? 0) : NaN
      }
      const lacking = Object.entries(sampled).find(([, percent]) => !reached(percent))
      return lacking ? `${lacking[0]} has ${lacking[1]}` : undefined
    },
    'configPush',
  )
  return sampled
}
