import type { KubeObject } from '../api/object.ts'
import type { RouteQuery } from './routes.ts'

interface Rule {
  to?: { operation: { hosts?: string[]; methods?: string[]; paths?: string[]; ports?: string[] } }[]
  when?: { key: string; values?: string[]; notValues?: string[] }[]
}

/**
 * Whether AuthorizationPolicies allow a request: no DENY rule may match, and where there are ALLOW rules one must
 * match.
 */
export function isAllowed(policies: readonly KubeObject[], query: RouteQuery, port: number): boolean {
  const rules = (action: string) => policies.filter((each) => (each.spec?.action ?? 'ALLOW') === action)
  const matched = (policy: KubeObject) =>
    ((policy.spec?.rules ?? []) as Rule[]).some((rule) => matches(rule, query, port))
  if (rules('DENY').some(matched)) return false
  const allowing = rules('ALLOW')
  return allowing.length === 0 || allowing.some(matched)
}

function matches(rule: Rule, query: RouteQuery, port: number): boolean {
  const host = query.authority.replace(/:\d+$/, '')
  const to =
    !rule.to ||
    rule.to.some(
      ({ operation }) =>
        anyOf(operation.hosts, host) &&
        anyOf(operation.ports, String(port)) &&
        anyOf(operation.methods, query.method) &&
        anyOf(operation.paths, query.path.split('?')[0]),
    )
  const when = (rule.when ?? []).every(({ key, values, notValues }) => {
    const header = /^request\.headers\[(.+)\]$/.exec(key)?.[1]?.toLowerCase()
    const value = header ? query.headers[header] : undefined
    const text = Array.isArray(value) ? value.join(',') : value
    return (
      (!values || (text !== undefined && anyOf(values, text))) &&
      !(notValues && text !== undefined && anyOf(notValues, text))
    )
  })
  return to && when
}

/** Istio's string matching: exact, 'prefix*', '*suffix', or '*' for anything that is there. */
const anyOf = (patterns: readonly string[] | undefined, value: string | undefined): boolean =>
  !patterns ||
  patterns.some((pattern) =>
    pattern === '*'
      ? Boolean(value)
      : pattern.endsWith('*')
        ? value?.startsWith(pattern.slice(0, -1))
        : pattern.startsWith('*')
          ? value?.endsWith(pattern.slice(1))
          : pattern === value,
  )
