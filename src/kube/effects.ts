import type { Effect } from '../core/record.ts'
import { requireEffect } from '../core/scope.ts'

/** How the names of a run's namespaces, and of its objects among others', begin. */
const OWN = 'plumb-'

/** The parts of a path of the API server that say what is written. */
interface Target {
  resource: string
  namespace: string | undefined
  name: string | undefined
  subresource: string | undefined
}

const isOwn = ({ namespace, name }: Pick<Target, 'namespace' | 'name'>): boolean =>
  Boolean(namespace?.startsWith(OWN) || name?.startsWith(OWN))

/**
 * What a request to the API server does to the cluster, by its method, its path with query, and the name in its body
 * where it creates: reading; writing an object of ours; changing one that is not ours; or taking pods and nodes from
 * others.
 */
export function effectOf(method: string, path: string, created?: string): Effect {
  const url = new URL(path, 'https://cluster')
  if (method === 'GET' || method === 'HEAD' || url.searchParams.getAll('dryRun').includes('All')) return 'reads'
  const target = targetOf(url.pathname)
  // What one may do, and who one is, is answered to a POST; nothing is stored.
  if (/^selfsubject.*reviews$/.test(target.resource)) return 'reads'
  // Traffic of the agent. Its pod is the run's: who makes it is asked where it is made.
  if (target.subresource === 'proxy' && isOwn({ namespace: target.namespace, name: undefined })) return 'reads'
  if (isOwn({ ...target, name: target.name ?? created })) return 'writes'
  const takesAway = target.subresource === 'eviction' || (target.resource === 'pods' && method === 'DELETE')
  return takesAway || target.resource === 'nodes' ? 'disrupts' : 'tunes'
}

/**
 * Holds a request to the effect of the check that makes it; `doing` names it, as 'applying Service a/b'.
 * @throws Error, before anything is sent, where the check declares less
 */
export function holdToEffect(method: string, path: string, doing: string, created?: string): void {
  const effect = effectOf(method, path, created)
  if (effect !== 'reads') requireEffect(effect, doing.replace(/^(apply|chang|creat|delet|evict)ing/, didOf))
}

const didOf = (_: string, verb: string): string =>
  ({ apply: 'applied', chang: 'changed', creat: 'created', delet: 'deleted', evict: 'evicted' })[verb] ?? verb

/** '/apis/apps/v1/namespaces/a/deployments/b/status' in its parts. */
function targetOf(path: string): Target {
  const [, root, ...rest] = path.split('/').map(decodeURIComponent)
  const parts = rest.slice(root === 'apis' ? 2 : 1)
  // A Namespace itself is an object without one: /api/v1/namespaces/a.
  const namespaced = parts[0] === 'namespaces' && parts.length > 2
  const [resource = '', name, subresource] = namespaced ? parts.slice(2) : parts
  return { resource, namespace: namespaced ? parts[1] : undefined, name, subresource }
}
