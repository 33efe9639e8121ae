import type { Workload } from '../survey/survey.ts'
import { allIstiods, externalGateways, theIstiod, type Surveyed } from '../survey/surveyed.ts'

/** The workloads of istiod and of the gateways that carry traffic from outside, each once. */
export async function meshWorkloads(cluster: Surveyed): Promise<Workload[]> {
  const own = await theIstiod(cluster)
  // An istiod that was scaled to nothing, as an old revision is before it goes, is to have no pods.
  const istiods = (await allIstiods(cluster)).filter((each) => each === own || each.workload.replicas > 0)
  const gateways = await externalGateways(cluster)
  const all = [...istiods.map(({ workload }) => workload), ...gateways.flatMap(({ workloads }) => workloads)]
  return [...new Map(all.map((each) => [`${each.kind} ${each.namespace}/${each.name}`, each])).values()]
}
