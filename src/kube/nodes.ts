import type { KubernetesObject } from '../core/object.ts'

/** The label that cloud providers and kind give a node for its zone. */
export const ZONE = 'topology.kubernetes.io/zone'

/** The zone of a node by its label; empty where it has none. */
export const zoneOf = (node: KubernetesObject | undefined): string => node?.metadata?.labels?.[ZONE] ?? ''
