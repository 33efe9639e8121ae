import type { Resource } from './resource.ts'
import type { Resources } from './resources.ts'
import { noSuchPath } from './status-error.ts'

/** A request for a resource, read from its path. */
export interface ResourceRequest {
  resource: Resource
  version: string
  namespace: string | undefined
  name: string | undefined
  subresource: string | undefined
  /** What stands after the subresource: the path that a proxy passes on. */
  rest: string
}

/**
 * Reads /api/v1/namespaces/NS/pods/NAME/log and the like; undefined for a path that names no resource (/version,
 * /apis).
 * @throws StatusError 404 for a resource that is not served
 */
export function readPath(path: string, resources: Resources): ResourceRequest | undefined {
  const parts = path.split('/').slice(1)
  const core = parts[0] === 'api'
  if (!core && parts[0] !== 'apis') return undefined
  const [group, version, ...at] = core
    ? ['', parts[1] ?? '', ...parts.slice(2)]
    : [parts[1] ?? '', parts[2] ?? '', ...parts.slice(3)]
  if (at.length === 0 || at[0] === '') return undefined
  const scoped = at[0] === 'namespaces' && at.length > 2 && !['status', 'finalize'].includes(at[2] ?? '')
  const namespace = scoped ? decodeURIComponent(at[1] ?? '') : undefined
  const [plural = '', name, subresource, ...rest] = scoped ? at.slice(2) : at
  const resource = resources.served(group, version, plural)
  if (!resource) throw noSuchPath()
  if (
    subresource &&
    !resource.subresources.includes(subresource) &&
    !(plural === 'namespaces' && subresource === 'finalize')
  )
    throw noSuchPath()
  return {
    resource,
    version,
    namespace,
    name: name ? decodeURIComponent(name) : undefined,
    subresource: subresource || undefined,
    rest: rest.length ? `/${rest.join('/')}` : '',
  }
}

/** The API version of a request's objects: 'v1', 'apps/v1'. */
export const apiVersionOf = ({ resource, version }: ResourceRequest): string =>
  resource.group ? `${resource.group}/${version}` : version
