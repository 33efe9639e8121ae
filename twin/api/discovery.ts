import type { Resource } from './resource.ts'
import type { Resources } from './resources.ts'
import { noSuchPath } from './status-error.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const SUB_VERBS: Record<string, string[]> = {
  log: ['get'],
  eviction: ['create'],
  token: ['create'],
  proxy: ['create', 'delete', 'get', 'patch', 'update'],
  portforward: ['create', 'get'],
  exec: ['create', 'get'],
}
const SUB_KINDS: Record<string, [group: string, version: string, kind: string]> = {
  scale: ['autoscaling', 'v1', 'Scale'],
  eviction: ['policy', 'v1', 'Eviction'],
  token: ['authentication.k8s.io', 'v1', 'TokenRequest'],
}

const inVersion = (resources: Resources, group: string, version: string): Resource[] =>
  resources.all().filter((each) => each.group === group && each.versions.includes(version))

/** The groups with their versions, in the order in which they first come. */
export function groupsOf(resources: Resources): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const { group, versions } of resources.all()) {
    groups.set(group, [...new Set([...(groups.get(group) ?? []), ...versions])])
  }
  return groups
}

const groupEntry = ([name, versions]: [string, string[]]) => {
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: entries, preferredVersion: entries[0] }
}

/**
 * The answers of /api, /apis, /apis/GROUP and /apis/GROUP/VERSION; another server serves the groups `extra`
 * (metrics.k8s.io).
 */
export function discover(path: string, resources: Resources, extra: ReadonlyMap<string, string[]>): object {
  const [root, group = '', version] = path.split('/').filter(Boolean)
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
  const groups = new Map([...groupsOf(resources), ...extra])
  groups.delete('')
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: [...groups].map(groupEntry) }
  if (root === 'api' && group === 'v1' && !version) return resourceList('v1', inVersion(resources, '', 'v1'))
  const versions = groups.get(group)
  if (root !== 'apis' || !versions) throw noSuchPath()
  if (!version) return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry([group, versions]) }
  if (!versions.includes(version)) throw noSuchPath()
  return resourceList(`${group}/${version}`, inVersion(resources, group, version))
}

function resourceList(groupVersion: string, all: Resource[]): object {
  const entries = all.flatMap((each) => [
    {
      name: each.plural,
      singularName: each.singular,
      namespaced: each.namespaced,
      kind: each.kind,
      verbs: VERBS,
      ...(each.shortNames.length ? { shortNames: each.shortNames } : {}),
      ...(each.categories.length ? { categories: each.categories } : {}),
      storageVersionHash: Buffer.from(each.id).toString('base64').slice(0, 11),
    },
    ...each.subresources.map((sub) => {
      const [group, version, kind] = SUB_KINDS[sub] ?? []
      return {
        name: `${each.plural}/${sub}`,
        singularName: '',
        namespaced: each.namespaced,
        ...(group ? { group, version } : {}),
        kind: kind ?? each.kind,
        verbs: SUB_VERBS[sub] ?? ['get', 'patch', 'update'],
      }
    }),
  ])
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: entries }
}

/** Aggregated discovery (apidiscovery.k8s.io/v2): every group with its resources in one answer. */
export function discoverAll(core: boolean, resources: Resources, extra: ReadonlyMap<string, string[]>): object {
  const groups = [...groupsOf(resources), ...extra].filter(([name]) => (name === '') === core)
  const items = groups.map(([name, versions]) => ({
    metadata: { name, creationTimestamp: null },
    versions: versions.map((version) => ({
      version,
      freshness: 'Current',
      resources: inVersion(resources, name, version).map((each) => ({
        resource: each.plural,
        responseKind: { group: each.group, version, kind: each.kind },
        scope: each.namespaced ? 'Namespaced' : 'Cluster',
        singularResource: each.singular,
        verbs: VERBS,
        ...(each.shortNames.length ? { shortNames: each.shortNames } : {}),
        ...(each.categories.length ? { categories: each.categories } : {}),
        ...(each.subresources.length
          ? {
              subresources: each.subresources.map((sub) => {
                const [group = each.group, of = version, kind = each.kind] = SUB_KINDS[sub] ?? []
                return {
                  subresource: sub,
                  responseKind: { group, version: of, kind },
                  verbs: SUB_VERBS[sub] ?? ['get', 'patch', 'update'],
                }
              }),
            }
          : {}),
      })),
    })),
  }))
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items }
}
