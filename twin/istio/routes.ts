import type { IncomingHttpHeaders } from 'node:http'
import type { KubeObject } from '../api/object.ts'
import { goDuration } from '../go-duration.ts'
import { byMeaning, hostMatches, type GatewayServer, type MeshSnapshot } from './mesh.ts'

interface StringMatch {
  exact?: string
  prefix?: string
  regex?: string
}

interface RouteMatch {
  uri?: StringMatch
  authority?: StringMatch
  method?: StringMatch
  headers?: Record<string, StringMatch>
  withoutHeaders?: Record<string, StringMatch>
  queryParams?: Record<string, StringMatch>
  gateways?: string[]
  port?: number
}

interface HeaderChanges {
  set?: Record<string, string>
  add?: Record<string, string>
  remove?: string[]
}

export interface Headers {
  request?: HeaderChanges
  response?: HeaderChanges
}

export interface Destination {
  destination: { host: string; subset?: string; port?: { number: number } }
  weight?: number
  headers?: Headers
}

/** One rule of a VirtualService. */
export interface HttpRoute {
  name?: string
  match?: RouteMatch[]
  route?: Destination[]
  redirect?: { uri?: string; authority?: string; scheme?: string; redirectCode?: number }
  directResponse?: { status: number; body?: { string?: string } }
  rewrite?: { uri?: string; authority?: string }
  timeout?: string
  retries?: { attempts?: number; perTryTimeout?: string; retryOn?: string }
  fault?: {
    abort?: { httpStatus: number; percentage?: { value: number } }
    delay?: { fixedDelay: string; percentage?: { value: number } }
  }
  headers?: Headers
}

/** What a request asks for, as routes look at it. */
export interface RouteQuery {
  authority: string
  path: string
  method: string
  headers: IncomingHttpHeaders
}

/** The rule that a request meets, and the namespace whose short host names it means. */
export interface FoundRoute {
  route: HttpRoute
  namespace: string
  virtualService: string
}

/**
 * Finds the rule for a request on a port of a gateway, by the most meaning host of the VirtualServices bound to its
 * servers; or 'redirect' where the server sends everybody to HTTPS. Undefined is Envoy's NR: 404.
 */
export function findRoute(
  snapshot: MeshSnapshot,
  servers: readonly GatewayServer[],
  query: RouteQuery,
): FoundRoute | 'redirect' | undefined {
  const host = query.authority.replace(/:\d+$/, '').toLowerCase()
  const here = servers.filter(({ hosts }) => hosts.some((each) => hostMatches(each.replace(/^.*\//, ''), host)))
  if (here.some(({ tls, port }) => tls?.httpsRedirect && port.protocol === 'HTTP')) return 'redirect'
  const gateways = new Set(here.map(({ gateway }) => gateway))
  const bound = snapshot.virtualServices.filter((each) => gatewaysOf(each).some((name) => gateways.has(name)))
  const patterns = [...new Set(bound.flatMap((each) => (each.spec.hosts ?? []) as string[]))]
    .filter((pattern) => hostMatches(pattern, host))
    .toSorted(byMeaning)
  // Envoy takes the one virtual host of the most meaning domain; what does not match there is not looked for elsewhere.
  for (const pattern of patterns.slice(0, 1)) {
    for (const virtualService of bound.filter((each) => (each.spec.hosts as string[]).includes(pattern))) {
      const named = gatewaysOf(virtualService).filter((name) => gateways.has(name))
      const route = ((virtualService.spec.http ?? []) as HttpRoute[]).find(
        ({ match }) => !match?.length || match.some((each) => matches(each, query, host, named, virtualService)),
      )
      if (route)
        return {
          route,
          namespace: virtualService.metadata.namespace ?? '',
          virtualService: virtualService.metadata.name,
        }
    }
  }
  return undefined
}

/** The gateways of a VirtualService as NAMESPACE/NAME; 'mesh' where it names none. */
export function gatewaysOf(virtualService: KubeObject): string[] {
  const names = (virtualService.spec?.gateways ?? ['mesh']) as string[]
  return names.map((name) =>
    name.includes('/') || name === 'mesh' ? name : `${virtualService.metadata.namespace}/${name}`,
  )
}

function matches(
  match: RouteMatch,
  query: RouteQuery,
  host: string,
  gateways: readonly string[],
  virtualService: KubeObject,
): boolean {
  const full = (name: string) => (name.includes('/') ? name : `${virtualService.metadata.namespace}/${name}`)
  const url = new URL(query.path, 'http://route')
  return (
    (!match.gateways || match.gateways.some((name) => gateways.includes(full(name)))) &&
    fits(match.uri, url.pathname) &&
    fits(match.authority, host) &&
    fits(match.method, query.method) &&
    Object.entries(match.headers ?? {}).every(([name, wanted]) => fits(wanted, headerOf(query, name))) &&
    !Object.entries(match.withoutHeaders ?? {}).some(([name, wanted]) => fits(wanted, headerOf(query, name))) &&
    Object.entries(match.queryParams ?? {}).every(([name, wanted]) =>
      fits(wanted, url.searchParams.get(name) ?? undefined),
    )
  )
}

const headerOf = (query: RouteQuery, name: string): string | undefined => {
  const value = query.headers[name.toLowerCase()]
  return Array.isArray(value) ? value.join(',') : value
}

function fits(wanted: StringMatch | undefined, value: string | undefined): boolean {
  if (!wanted) return true
  if (value === undefined) return false
  if (wanted.exact !== undefined) return value === wanted.exact
  if (wanted.prefix !== undefined) return value.startsWith(wanted.prefix)
  if (wanted.regex !== undefined) return new RegExp(`^(?:${wanted.regex})$`).test(value)
  return true // an empty match: the header is there
}

/** Chooses a destination by weight. */
export function chooseDestination(destinations: readonly Destination[]): Destination | undefined {
  const total = destinations.reduce((sum, each) => sum + (each.weight ?? 0), 0)
  if (total === 0) return destinations[0]
  let at = Math.random() * total
  return destinations.find((each) => (at -= each.weight ?? 0) < 0)
}

/** The milliseconds of a duration in Istio's configuration such as '1.5s'; undefined where none is set. */
export const durationMs = (text: string | undefined): number | undefined => (text ? goDuration(text) : undefined)
