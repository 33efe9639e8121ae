import { Resolver } from 'node:dns/promises'
import { StackFailure } from '../core/problem.ts'

const QUERY = { timeout: 3000, tries: 3 }

/** Who resolved a name, and to what. */
export interface Resolved {
  server: string
  addresses: string[]
}

/**
 * Resolves a name at the given servers (IP or IP:PORT; this machine's own where there are none), and at the servers of the name's own
 * zone, which no cache stands before.
 * @throws StackFailure where a server does not answer, or knows no address
 */
export async function resolveEverywhere(
  name: string,
  servers?: readonly string[],
): Promise<{ usual: Resolved; zone: string; authoritative: Resolved[] }> {
  const resolver = resolverOf(servers)
  const usual = await resolve(resolver, name, servers?.join(', ') ?? `this machine's servers`)
  const { zone, names } = await zoneOf(resolver, name)
  const port = /:(\d+)$/.exec(servers?.[0] ?? '')?.[1]
  const authoritative: Resolved[] = []
  for (const server of names.toSorted()) {
    const [address] = await asked(`${server}, a server of ${zone}`, () => resolver.resolve4(server))
    const own = resolverOf([port ? `${address}:${port}` : address!])
    authoritative.push(await resolve(own, name, server))
  }
  return { usual, zone, authoritative }
}

/** The addresses of a name. */
export const resolveHere = async (name: string, servers?: readonly string[]): Promise<string[]> =>
  (await resolve(resolverOf(servers), name, servers?.join(', ') ?? `this machine's servers`)).addresses

function resolverOf(servers: readonly string[] | undefined): Resolver {
  const resolver = new Resolver(QUERY)
  if (servers) resolver.setServers(servers)
  return resolver
}

async function resolve(resolver: Resolver, name: string, server: string): Promise<Resolved> {
  return { server, addresses: (await asked(`${name} at ${server}`, () => resolver.resolve4(name))).toSorted() }
}

/** The nearest zone above a name that has servers of its own. */
async function zoneOf(resolver: Resolver, name: string): Promise<{ zone: string; names: string[] }> {
  const labels = name.split('.')
  for (let from = 1; from < labels.length - 1; from++) {
    const zone = labels.slice(from).join('.')
    const names = await resolver.resolveNs(zone).catch(() => [])
    if (names.length) return { zone, names }
  }
  throw new StackFailure(`No zone above ${name} has servers of its own (NS) that can be found.`)
}

async function asked(what: string, ask: () => Promise<string[]>): Promise<string[]> {
  try {
    return await ask()
  } catch (problem) {
    const code = (problem as { code?: string }).code ?? String(problem)
    const meant = code === 'ENOTFOUND' || code === 'ENODATA' ? 'has no address' : `was not answered (${code})`
    throw new StackFailure(`DNS: ${what} ${meant}.`, { cause: problem })
  }
}
