import { createHmac, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { KubeObject } from './object.ts'
import { isEksToken, userOfEksToken } from '../aws/token.ts'
import type { Objects } from './objects.ts'
import { StatusError } from './status-error.ts'

export interface User {
  name: string
  groups: string[]
}

/** What a request wants to do, as RBAC reads it. */
export interface Attributes {
  verb: string
  group: string
  /** 'pods', or 'pods/log' for a subresource. */
  resource: string
  namespace: string | undefined
  name: string | undefined
}

const ALL = 'system:authenticated'

/** Who may do what: client certificates and tokens, and the cluster's RBAC objects. */
export class Access {
  /** The token of the kubeconfig's administrator. */
  readonly adminToken = randomBytes(24).toString('base64url')
  readonly #objects: Objects
  readonly #key = randomBytes(32)

  constructor(objects: Objects) {
    this.#objects = objects
  }

  /**
   * Who sends a request: the subject of its certificate, or the owner of its token.
   * @throws StatusError 401 for a token that is none
   */
  userOf(request: IncomingMessage): User {
    const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (token) return this.#userOfToken(token)
    const socket = request.socket as TLSSocket
    if (socket.authorized) {
      const { subject } = socket.getPeerCertificate()
      const groups = [subject.O ?? []].flat()
      return { name: String(subject.CN), groups: [...groups, ALL] }
    }
    return { name: 'system:anonymous', groups: ['system:unauthenticated'] }
  }

  /** A token of a ServiceAccount that ends after some seconds. */
  issueToken(namespace: string, name: string, seconds: number): { token: string; expires: Date } {
    const expires = new Date(Date.now() + seconds * 1000)
    const claims = Buffer.from(
      JSON.stringify({ sub: `system:serviceaccount:${namespace}:${name}`, exp: Math.floor(expires.getTime() / 1000) }),
    ).toString('base64url')
    const head = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')
    return { token: `${head}.${claims}.${this.#sign(`${head}.${claims}`)}`, expires }
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url')
  }

  #userOfToken(token: string): User {
    if (isEksToken(token)) return userOfEksToken(token)
    if (token === this.adminToken) return { name: 'kubernetes-admin', groups: ['system:masters', ALL] }
    const [head = '', claims = '', signature = ''] = token.split('.')
    if (signature && signature === this.#sign(`${head}.${claims}`)) {
      const { sub, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub: string; exp: number }
      const [, , namespace = ''] = sub.split(':')
      if (exp > Date.now() / 1000)
        return { name: sub, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, ALL] }
    }
    throw new StatusError(401, 'Unauthorized', 'Unauthorized')
  }

  /** Whether a user may do something, by the ClusterRoleBindings and the namespace's RoleBindings. */
  allows(user: User, what: Attributes): boolean {
    if (user.groups.includes('system:masters')) return true
    const cluster = this.#objects.list('clusterrolebindings.rbac.authorization.k8s.io')
    const local = what.namespace ? this.#objects.list('rolebindings.rbac.authorization.k8s.io', what.namespace) : []
    return [...cluster, ...local].some(
      (binding) => isSubject(binding, user) && this.#rulesOf(binding).some((rule) => covers(rule, what)),
    )
  }

  /**
   * @throws StatusError 403 where the user may not, in the API server's words
   */
  check(user: User, what: Attributes): void {
    if (this.allows(user, what)) return
    const { verb, group, resource, namespace, name } = what
    const [plural = '', ...rest] = resource.split('/')
    const object = `${[plural, ...(group ? [group] : [])].join('.')}${rest.length ? `/${rest.join('/')}` : ''}`
    const scope = namespace ? ` in the namespace "${namespace}"` : ' at the cluster scope'
    throw new StatusError(
      403,
      'Forbidden',
      `${object}${name ? ` "${name}"` : ''} is forbidden: ` +
        `User "${user.name}" cannot ${verb} resource "${resource}" in API group "${group}"${scope}`,
      {
        ...(name ? { name } : {}),
        group,
        kind: plural,
      },
    )
  }

  /** @throws StatusError 403 for a path that an unauthenticated user asks for */
  checkPath(user: User, path: string): void {
    if (user.groups.includes(ALL) || path === '/version' || /^\/(livez|readyz|healthz)/.test(path)) return
    throw new StatusError(403, 'Forbidden', `forbidden: User "${user.name}" cannot get path "${path}"`, {})
  }

  #rulesOf(binding: KubeObject): Rule[] {
    const { kind, name } = binding.roleRef as { kind: string; name: string }
    const role =
      kind === 'ClusterRole'
        ? this.#objects.get('clusterroles.rbac.authorization.k8s.io', name)
        : this.#objects.get('roles.rbac.authorization.k8s.io', name, binding.metadata.namespace)
    return (role?.rules ?? []) as Rule[]
  }
}

interface Rule {
  verbs: string[]
  apiGroups?: string[]
  resources?: string[]
  resourceNames?: string[]
}

const has = (list: readonly string[] | undefined, value: string): boolean =>
  Boolean(list?.includes(value) || list?.includes('*'))

const covers = (rule: Rule, { verb, group, resource, name }: Attributes): boolean =>
  has(rule.verbs, verb) &&
  has(rule.apiGroups, group) &&
  (has(rule.resources, resource) || has(rule.resources, `*/${resource.split('/')[1] ?? ''}`)) &&
  (!rule.resourceNames?.length || rule.resourceNames.includes(name ?? ''))

function isSubject(binding: KubeObject, user: User): boolean {
  const subjects = (binding.subjects ?? []) as { kind: string; name: string; namespace?: string }[]
  return subjects.some(({ kind, name, namespace }) =>
    kind === 'Group'
      ? user.groups.includes(name)
      : kind === 'User'
        ? user.name === name
        : user.name === `system:serviceaccount:${namespace}:${name}`,
  )
}
