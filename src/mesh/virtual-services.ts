import type { KubernetesObject } from '../core/object.ts'

/**
 * A sentence for each host of more than one VirtualService on the same gateway. Gateways and hosts are compared by full
 * name: one without a namespace or a dot belongs to the namespace of the VirtualService.
 */
export function routeConflicts(services: readonly KubernetesObject[]): string[] {
  const claims = new Map<string, Set<string>>()
  for (const { metadata, spec } of services) {
    const namespace = metadata?.namespace ?? ''
    const gateways = (spec?.gateways?.length ? spec.gateways : ['mesh']) as string[]
    for (const gateway of gateways) {
      for (const host of (spec?.hosts ?? []) as string[]) {
        const fullGateway = gateway === 'mesh' || gateway.includes('/') ? gateway : `${namespace}/${gateway}`
        const fullHost = host.includes('.') || host === '*' ? host : `${host}.${namespace}.svc.cluster.local`
        const key = `${fullHost} on ${fullGateway}`
        claims.set(key, (claims.get(key) ?? new Set()).add(`${namespace}/${metadata?.name}`))
      }
    }
  }
  return [...claims].filter(([, owners]) => owners.size > 1).map(([key, owners]) => `${key}: ${[...owners].join(', ')}`)
}
