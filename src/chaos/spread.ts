import { workersOf, zoneOf } from '../kube/nodes.ts'
import type { KubernetesObject } from '../core/object.ts'
import { isRolledOut } from '../kube/pods.ts'
import type { Stack } from '../stack/stack.ts'
import { evict } from './drain.ts'
import { deploymentId, readyPodsOf } from './faults.ts'

/** The zones of the workers that take pods. */
export async function zonesOf(stack: Stack): Promise<string[]> {
  const zones = workersOf(await stack.all('v1/Node')).map(zoneOf)
  return [...new Set(zones)].filter(Boolean).toSorted()
}

/** The difference between the zones with the most and the fewest pods, and how many each has. */
export async function skewOf(
  stack: Stack,
  pods: readonly KubernetesObject[],
  zones: readonly string[],
): Promise<{ skew: number; distribution: string }> {
  const nodes = new Map((await stack.all('v1/Node')).map((node) => [node.metadata?.name, zoneOf(node)]))
  const counts = zones.map((zone) => pods.filter((pod) => nodes.get(pod.spec?.nodeName as string) === zone).length)
  return {
    skew: Math.max(...counts) - Math.min(...counts),
    distribution: zones.map((zone, at) => `${zone} ${counts[at]}`).join(', '),
  }
}

/**
 * Spreads a Deployment's pods over as many zones as before drains moved them: evicts a pod of the fullest zone at a
 * time, and the scheduler places another by the Deployment's anti-affinity. It gives up after one try per pod.
 */
export async function spreadAgain(stack: Stack, deployment: string, zones: number): Promise<void> {
  const zoneOfNode = await zonesByNode(stack)
  for (let pods = await readyPodsOf(stack, deployment), tries = pods.length; tries > 0; tries--) {
    const byZone = Map.groupBy(pods, ({ spec }) => zoneOfNode.get(spec?.nodeName as string) ?? '')
    if (byZone.size >= zones) return
    const [fullest] = [...byZone.values()].toSorted((a, b) => b.length - a.length)
    await evict(stack, fullest![0]!)
    await stack.until(deploymentId(deployment), isRolledOut, 'componentAvailable')
    pods = await readyPodsOf(stack, deployment)
  }
}

/** In how many zones a Deployment's pods run now. */
export async function zoneCount(stack: Stack, deployment: string): Promise<number> {
  const zoneOfNode = await zonesByNode(stack)
  const pods = await readyPodsOf(stack, deployment)
  return new Set(pods.map(({ spec }) => zoneOfNode.get(spec?.nodeName as string))).size
}

/** The zone of each node, read now. */
async function zonesByNode(stack: Stack): Promise<Map<string | undefined, string>> {
  const { items } = await stack.k8s.list('v1/Node')
  return new Map(items.map((node) => [node.metadata?.name, zoneOf(node)]))
}
