import type { KubernetesObject } from '../core/object.ts'

/** Two or more VirtualServices that want the same requests. */
export interface RouteConflict {
  /** 'HOST on GATEWAY: a/one, b/two'. */
  text: string
  /** The namespaces of these VirtualServices. */
  namespaces: string[]
}

/** One VirtualService, and what it wants of a host on a gateway. */
interface Claim {
  owner: string
  namespace: string
  /** Whether it is seen in its own namespace alone. */
  isPrivate: boolean
  matches: ReadonlySet<string>
}

/**
 * The hosts on a gateway of which two VirtualServices want the same requests. On a gateway istiod merges the
 * VirtualServices of one host, so those that tell requests apart by path or header share it well; sidecars take a
 * single one. Gateways and hosts are compared by full name: one without a namespace or a dot belongs to the namespace
 * of the VirtualService.
 */
export function routeConflicts(services: readonly KubernetesObject[], clusterDomain: string): RouteConflict[] {
  const claims = new Map<string, Claim[]>()
  for (const { metadata, spec } of services) {
    const namespace = metadata?.namespace ?? ''
    const claim: Claim = {
      ...{ owner: `${namespace}/${metadata?.name}`, namespace, matches: matchesOf(spec as Routes) },
      isPrivate: ((spec?.exportTo ?? []) as string[]).join() === '.',
    }
    const gateways = (spec?.gateways?.length ? spec.gateways : ['mesh']) as string[]
    for (const gateway of gateways) {
      for (const host of (spec?.hosts ?? []) as string[]) {
        const fullGateway = gateway === 'mesh' || gateway.includes('/') ? gateway : `${namespace}/${gateway}`
        const fullHost = host.includes('.') || host === '*' ? host : `${host}.${namespace}.svc.${clusterDomain}`
        const key = `${fullHost} on ${fullGateway}`
        claims.set(key, [...(claims.get(key) ?? []), claim])
      }
    }
  }
  return [...claims].flatMap(([key, all]) => {
    const clash = key.endsWith(' on mesh') ? seesOther : wantsSame
    const owners = all.filter((one) => all.some((other) => other.owner !== one.owner && clash(one, other)))
    if (owners.length === 0) return []
    const names = [...new Set(owners.map(({ owner }) => owner))]
    return [{ text: `${key}: ${names.join(', ')}`, namespaces: [...new Set(owners.map(({ namespace }) => namespace))] }]
  })
}

/** Whether a sidecar may see both: then it takes one of them. */
const seesOther = (one: Claim, other: Claim): boolean =>
  one.namespace === other.namespace || !(one.isPrivate && other.isPrivate)

const wantsSame = (one: Claim, other: Claim): boolean => [...one.matches].some((match) => other.matches.has(match))

interface Route {
  match?: Record<string, unknown>[]
}

interface Routes {
  http?: Route[]
  tls?: Route[]
  tcp?: Route[]
}

/** What a VirtualService wants of its hosts: its matches, each as a text; a route without one wants everything. */
function matchesOf({ http = [], tls = [], tcp = [] }: Routes): ReadonlySet<string> {
  const all = Object.entries({ http, tls, tcp })
  return new Set(
    all.flatMap(([protocol, routes]) =>
      routes.flatMap(({ match }) => (match?.length ? match : [{}]).map((each) => `${protocol} ${textOf(each)}`)),
    ),
  )
}

/** A match in one form, without its name. */
function textOf(match: Record<string, unknown>): string {
  const { name: _, ...told } = match
  return JSON.stringify(sorted(told))
}

const sorted = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .toSorted(([a], [b]) => a.localeCompare(b))
          .map(([key, part]) => [key, sorted(part)]),
      )
    : value
