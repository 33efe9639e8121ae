import type { KubernetesObject } from '../core/object.ts'
import { conditionOf } from './until.ts'

/** The label that cloud providers and kind give a node for its zone. */
export const ZONE = 'topology.kubernetes.io/zone'

/** The zone of a node by its label; empty where it has none. */
export const zoneOf = (node: KubernetesObject | undefined): string => node?.metadata?.labels?.[ZONE] ?? ''

/** Nodes that take pods: Ready, not cordoned, no taint that keeps pods away. */
export const workersOf = (nodes: readonly KubernetesObject[]): KubernetesObject[] =>
  nodes.filter(
    (node) =>
      conditionOf(node, 'Ready')?.status === 'True' &&
      !node.spec?.unschedulable &&
      !((node.spec?.taints ?? []) as { effect: string }[]).some(({ effect }) => effect !== 'PreferNoSchedule'),
  )
