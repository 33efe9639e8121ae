import { createServer, type Server } from 'node:net'

/** What keeps the twin from starting, in a sentence for who started it. */
export class StartProblem extends Error {}

const FIRST_RANGE = 20
const LAST_RANGE = 250

/**
 * The twin's part of the loopback network: 127.RANGE.0.0/16. Nodes, pods and load balancers have addresses of their own
 * in it, so that who talks to whom is seen by address as in a cluster. Each twin on a machine holds another range.
 */
export class Network {
  readonly range: number
  /** What is added to ports below 1024: 0 where this user may listen there. */
  readonly lowPortShift: number
  readonly #taken = new Set<string>()
  readonly #next = new Map<number, number>()
  /** Who listens where, so that a Service hands a connection to its endpoint in the twin's own process. */
  readonly #servers = new Map<string, Server>()

  private constructor(range: number, lowPortShift: number) {
    this.range = range
    this.lowPortShift = lowPortShift
  }

  /**
   * Takes a range whose API address is free; `wanted` is that of the range (127.N).
   * @throws StartProblem where there is none, or this machine has no loopback range
   */
  static async take(apiServer: Server, port: number, wanted?: number): Promise<Network> {
    const ranges =
      wanted === undefined ? Array.from({ length: LAST_RANGE - FIRST_RANGE }, (_, at) => FIRST_RANGE + at) : [wanted]
    for (const range of ranges) {
      const problem = await listen(apiServer, port, `127.${range}.0.1`).then(
        () => undefined,
        (error: NodeJS.ErrnoException) => error,
      )
      if (!problem) return new Network(range, (await mayUseLowPorts(range)) ? 0 : 10_000)
      if (problem.code === 'EADDRNOTAVAIL')
        throw new StartProblem(
          `127.${range}.0.1 is not an address of this machine: the twin needs the loopback range 127.0.0.0/8. ` +
            'Linux has it; macOS has 127.0.0.1 only, so run the twin in a Linux container there.',
        )
      if (problem.code !== 'EADDRINUSE')
        throw new StartProblem(`The twin cannot listen on 127.${range}.0.1:${port}: ${problem.message}.`)
    }
    throw new StartProblem(
      wanted === undefined
        ? `port ${port} is in use on every loopback address from 127.${FIRST_RANGE}.0.1 to 127.${LAST_RANGE}.0.1: ` +
            'choose another one with --port'
        : `127.${wanted}.0.1:${port} is in use by another program: leave --range out, or give another range or --port.`,
    )
  }

  get apiAddress(): string {
    return `127.${this.range}.0.1`
  }

  nodeAddress(index: number): string {
    return `127.${this.range}.0.${10 + index}`
  }

  /** MetalLB's pool. */
  get pool(): string {
    return `127.${this.range}.200.200-127.${this.range}.200.250`
  }

  /** The address of a load balancer in the zone at a place. */
  balancerAddress(zone: number): string {
    return `127.${this.range}.200.${200 + zone}`
  }

  /** A free address for a pod on a node. */
  podAddress(nodeIndex: number): string {
    for (let tries = 0; tries < 250; tries++) {
      const last = ((this.#next.get(nodeIndex) ?? 1) % 250) + 1
      this.#next.set(nodeIndex, last)
      const address = `127.${this.range}.${100 + nodeIndex}.${last + 1}`
      if (this.#taken.has(address)) continue
      this.#taken.add(address)
      return address
    }
    throw new Error(`node ${nodeIndex} has no free address`)
  }

  /** Notes that a server serves a port of a pod, until it closes. */
  announce(server: Server, address: string, port: number): void {
    const key = `${address}:${port}`
    this.#servers.set(key, server)
    server.on('close', () => {
      if (this.#servers.get(key) === server) this.#servers.delete(key)
    })
  }

  /** The server of a port of a pod, or undefined where nobody listens. */
  serverAt(address: string, port: number): Server | undefined {
    return this.#servers.get(`${address}:${port}`)
  }

  release(address: string): void {
    this.#taken.delete(address)
  }

  /** The port that stands for `port` on this machine. */
  realPort(port: number): number {
    return port < 1024 ? port + this.lowPortShift : port
  }
}

/** Listens, or rejects with why not. */
export function listen(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host: address, backlog: 1024 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function mayUseLowPorts(range: number): Promise<boolean> {
  const server = createServer()
  try {
    await listen(server, 80, `127.${range}.0.2`)
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
