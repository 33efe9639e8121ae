import type { KubernetesObject } from '../check/record.ts'
import type { Stack } from '../stack/stack.ts'
import { workersOf, zoneOf } from './drain.ts'

/** The zones of the workers that take pods. */
export async function zonesOf(stack: Stack): Promise<string[]> {
  const zones = workersOf(await stack.all('v1/Node')).map(zoneOf)
  return [...new Set(zones)].filter(Boolean).toSorted()
}

/** By how many pods the fullest of the zones is ahead of the emptiest, and how many each has. */
export async function skewOf(
  stack: Stack,
  pods: readonly KubernetesObject[],
  zones: readonly string[],
): Promise<{ skew: number; told: string }> {
  const nodes = new Map((await stack.all('v1/Node')).map((node) => [node.metadata?.name, zoneOf(node)]))
  const counts = zones.map((zone) => pods.filter((pod) => nodes.get(pod.spec?.nodeName as string) === zone).length)
  return {
    skew: Math.max(...counts) - Math.min(...counts),
    told: zones.map((zone, at) => `${zone} ${counts[at]}`).join(', '),
  }
}
