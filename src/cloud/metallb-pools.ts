import type { KubernetesObject } from '../core/object.ts'
import { selects, type LabelSelector } from '../kube/selector.ts'
import { addressInPools } from './address-pool.ts'

/** What MetalLB has to announce an address by. */
export interface Announcing {
  pools: readonly KubernetesObject[]
  /** L2Advertisements and BGPAdvertisements. */
  advertisements: readonly KubernetesObject[]
  /** The labels of the nodes that may announce. */
  nodes: readonly Record<string, string>[]
}

const nameOf = ({ metadata }: KubernetesObject): string => metadata?.name ?? ''

/** The ranges of an IPAddressPool. */
export const rangesOf = ({ spec }: KubernetesObject): string[] => (spec?.addresses ?? []) as string[]

/**
 * The pool of a Service: the one of the name that MetalLB wrote into the Service (`allocated`), else the one with its
 * address in a range.
 */
export const poolOf = (
  pools: readonly KubernetesObject[],
  { allocated, address }: { allocated?: string | undefined; address?: string | undefined },
): KubernetesObject | undefined =>
  pools.find((pool) => (allocated ? nameOf(pool) === allocated : addressInPools(address ?? '', rangesOf(pool))))

/**
 * Why none of the advertisements announces an address of a pool for a Service; undefined where one does. A pool is
 * selected by its name or by a label selector, and by an advertisement that names neither (metallb v0.16.1,
 * api/v1beta1/l2advertisement_types.go); Services and nodes alike.
 */
export function notAnnounced(
  pool: KubernetesObject,
  service: KubernetesObject,
  { advertisements, nodes }: Omit<Announcing, 'pools'>,
): string | undefined {
  const name = `IPAddressPool ${pool.metadata?.namespace}/${nameOf(pool)}`
  const ofPool = advertisements.filter((each) => announcesPool(each, pool))
  if (ofPool.length === 0) return `no L2Advertisement or BGPAdvertisement selects ${name}`
  const ofService = ofPool.filter(({ spec }) => matchesAny(spec?.serviceSelectors, service.metadata?.labels ?? {}))
  if (ofService.length === 0)
    return `the advertisements of ${name} (${ofPool.map(nameOf).join(', ')}) do not select the Service`
  const somewhere = ofService.some(({ spec }) => nodes.some((labels) => matchesAny(spec?.nodeSelectors, labels)))
  return somewhere
    ? undefined
    : `the advertisements of ${name} (${ofService.map(nameOf).join(', ')}) select no node that is ready`
}

/** Whether an advertisement selects a pool of its namespace. */
export function announcesPool({ metadata, spec }: KubernetesObject, pool: KubernetesObject): boolean {
  const names = (spec?.ipAddressPools ?? []) as string[]
  const selectors = (spec?.ipAddressPoolSelectors ?? []) as LabelSelector[]
  if (metadata?.namespace !== pool.metadata?.namespace) return false
  if (names.length + selectors.length === 0) return true
  return names.includes(nameOf(pool)) || selectors.some((each) => selects(each, pool.metadata?.labels ?? {}))
}

/** Whether one of the selectors selects the labels; where there are none, everything is selected. */
const matchesAny = (selectors: LabelSelector[] | undefined, labels: Record<string, string>): boolean =>
  !selectors?.length || selectors.some((selector) => selects(selector, labels))
