import { Resolver } from 'node:dns/promises'
import { StackFailure } from '../core/problem.ts'

const QUERY = { timeout: 3000, tries: 3 }

/** The addresses of a name at one server. */
export interface Resolved {
  server: string
  addresses: string[]
}

/**
 * Resolves a name at the given servers (IP or IP:PORT; the servers of this machine where there are none), and at the
 * authoritative servers of its zone, which have no cache in between.
 * @throws StackFailure where a server does not answer, or has no address for the name
 */
export async function resolveEverywhere(
  name: string,
  servers?: readonly string[],
): Promise<{ usual: Resolved; zone: string; authoritative: Resolved[] }> {
  const resolver = resolverOf(servers)
  const usual = await resolve(resolver, name, servers?.join(', ') ?? `the resolver of this machine`)
  const { zone, names } = await zoneOf(resolver, name)
  const port = /:(\d+)$/.exec(servers?.[0] ?? '')?.[1]
  const authoritative: Resolved[] = []
  for (const server of names.toSorted()) {
    const [address] = await queryDns(`${server} (name server of ${zone})`, () => resolver.resolve4(server))
    const own = resolverOf([port ? `${address}:${port}` : address!])
    authoritative.push(await resolve(own, name, server))
  }
  return { usual, zone, authoritative }
}

/** The addresses of a name. */
export const resolveHere = async (name: string, servers?: readonly string[]): Promise<string[]> =>
  (await resolve(resolverOf(servers), name, servers?.join(', ') ?? `the resolver of this machine`)).addresses

function resolverOf(servers: readonly string[] | undefined): Resolver {
  const resolver = new Resolver(QUERY)
  if (servers) resolver.setServers(servers)
  return resolver
}

async function resolve(resolver: Resolver, name: string, server: string): Promise<Resolved> {
  return { server, addresses: (await queryDns(`${name} at ${server}`, () => resolver.resolve4(name))).toSorted() }
}

/** The nearest zone above a name that has NS records. */
async function zoneOf(resolver: Resolver, name: string): Promise<{ zone: string; names: string[] }> {
  const labels = name.split('.')
  for (let from = 1; from < labels.length - 1; from++) {
    const zone = labels.slice(from).join('.')
    const names = await resolver.resolveNs(zone).catch(() => [])
    if (names.length) return { zone, names }
  }
  throw new StackFailure(`DNS: no NS records found for any zone above ${name}.`)
}

async function queryDns(subject: string, query: () => Promise<string[]>): Promise<string[]> {
  try {
    return await query()
  } catch (problem) {
    const code = (problem as { code?: string }).code ?? String(problem)
    const outcome = code === 'ENOTFOUND' || code === 'ENODATA' ? 'no address found' : `no answer (${code})`
    throw new StackFailure(`DNS: ${subject}: ${outcome}.`, { cause: problem })
  }
}
