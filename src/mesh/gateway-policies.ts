import type { KubernetesObject } from '../core/object.ts'
import { objectName } from '../kube/object-id.ts'
import type { Labels } from '../survey/survey.ts'

/** What stands between a client and a route on a gateway: an object, and what it may do to a request. */
export interface GatewayPolicy {
  object: KubernetesObject
  does: string
}

/** A gateway as policies select it: its pods' labels, its namespace, and the mesh's root namespace. */
export interface PolicyTarget {
  namespace: string
  labels: Labels
  rootNamespace: string
}

interface Selecting {
  selector?: { matchLabels?: Record<string, string> }
  workloadSelector?: { labels?: Record<string, string>; matchLabels?: Record<string, string> }
  targetRefs?: { kind?: string; name?: string }[]
}

/** Filters of Envoy that answer a request themselves, by a part of their name or type. */
const ANSWERING: readonly (readonly [part: string, does: string])[] = [
  ['ext_authz', 'asks an external authorization service'],
  ['oauth2', 'demands a login (OAuth 2)'],
  ['jwt_authn', 'demands a JSON Web Token'],
  ['ratelimit', 'limits rates'],
  ['rbac', 'allows and denies requests (RBAC)'],
  ['lua', 'runs a Lua script'],
  ['wasm', 'runs a Wasm module'],
]

/** The words for what each action of an AuthorizationPolicy does (istio.io, AuthorizationPolicy, action). */
const ACTIONS: Readonly<Record<string, string>> = {
  ALLOW: 'denies every request that no ALLOW policy matches',
  DENY: 'denies what it matches',
  CUSTOM: 'asks an external authorization service about what it matches',
}

/**
 * Of the objects given those that a gateway's pods are under, each with what it does: AuthorizationPolicies but AUDIT,
 * RequestAuthentications, WasmPlugins, and EnvoyFilters that add a filter which answers by itself.
 */
export function gatewayPolicies(objects: readonly KubernetesObject[], target: PolicyTarget): GatewayPolicy[] {
  return objects.flatMap((object) => {
    const does = isUnder(object, target) ? effectOf(object) : undefined
    return does === undefined ? [] : [{ object, does }]
  })
}

function isUnder({ metadata, spec }: KubernetesObject, { namespace, labels, rootNamespace }: PolicyTarget): boolean {
  if (metadata?.namespace !== namespace && metadata?.namespace !== rootNamespace) return false
  const { selector, workloadSelector, targetRefs } = (spec ?? {}) as Selecting
  // A target is a Gateway of the Gateway API, and selects its pods by name.
  if (targetRefs?.length)
    return targetRefs.some(({ name }) => labels['gateway.networking.k8s.io/gateway-name'] === name)
  const wanted = selector?.matchLabels ?? workloadSelector?.labels ?? workloadSelector?.matchLabels ?? {}
  return Object.entries(wanted).every(([key, value]) => labels[key] === value)
}

function effectOf({ kind, spec }: KubernetesObject): string | undefined {
  if (kind === 'AuthorizationPolicy') {
    const action = String(spec?.action ?? 'ALLOW')
    const provider = spec?.provider?.name ? ` (provider ${String(spec.provider.name)})` : ''
    return ACTIONS[action] && `${ACTIONS[action]}${provider}`
  }
  if (kind === 'RequestAuthentication')
    return (spec?.jwtRules as unknown[] | undefined)?.length ? 'refuses requests with a bad JSON Web Token' : undefined
  if (kind === 'WasmPlugin') return `runs a Wasm module (phase ${String(spec?.phase ?? 'not set')})`
  if (kind !== 'EnvoyFilter') return undefined
  const patches = (spec?.configPatches ?? []) as { applyTo?: string; patch?: unknown; match?: { context?: string } }[]
  const does = patches.flatMap(({ applyTo, patch, match }) => {
    if (!['HTTP_FILTER', 'NETWORK_FILTER'].includes(applyTo ?? '')) return []
    if (!['GATEWAY', 'ANY', undefined].includes(match?.context)) return []
    const text = JSON.stringify(patch ?? {}).toLowerCase()
    return ANSWERING.find(([part]) => text.includes(part))?.[1] ?? []
  })
  return does.length ? [...new Set(does)].join(' and ') : undefined
}

/** A policy as a sentence: 'AuthorizationPolicy edge/login asks an external authorization service (provider sso)'. */
export const tellPolicy = ({ object, does }: GatewayPolicy): string => `${objectName(object)} ${does}`
