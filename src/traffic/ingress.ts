import { isIP } from 'node:net'
import type { DeadlineName } from '../core/deadlines.ts'
import { resolveHere } from '../cloud/dns.ts'
import { StackFailure } from '../core/problem.ts'
import { eventually, type EventuallyOptions } from '../core/eventually.ts'
import { requestsToMeetAll } from './every-gateway.ts'
import { readHandshake, shakeHandsFromHere, type Handshake, type HandshakeRequest } from './handshake.ts'
import { sendFromHere, describeAnswer, type Answer, type HttpRequest } from './http.ts'
import { probeFromHere, type Probe, type ProbeOptions } from './prober.ts'
import { type Sample } from './samples.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { gatewayPods } from '../cluster/gateway-service.ts'
import { ourHeaders } from '../config/our-headers.ts'
import { theGateway, theLoadBalancer } from '../survey/surveyed.ts'
import { httpPortOf, httpsPortOf } from '../survey/traffic-ports.ts'
import type { Agent } from './agent.ts'

/** A probe goes on until it has sent so many: an outage of a few must not hide in a handful. */
const LEAST = 200

export type Scheme = 'http' | 'https'

/** A host, and the scheme under which it is served. */
export interface Served {
  host: string
  scheme: Scheme
}

/** Where a request is sent to. */
export interface Endpoint {
  scheme: Scheme
  address: string
  port: number
}

/**
 * A request through the load balancer: its address and port are known, and its scheme where the host was named
 * (`serves`); the rest is the caller's.
 */
export interface IngressRequest extends Omit<HttpRequest, 'address' | 'port'> {
  /** One of the load balancer's addresses; any of them where not given. */
  to?: string
}

/**
 * The load balancer in front of the gateway. Requests start where the stack file's `vantage` says: here, or in the
 * agent pod.
 */
export class Ingress {
  readonly #cluster: Cluster
  readonly #agent: Agent
  readonly #schemes = new Map<string, Scheme>()
  #headers: Readonly<Record<string, string>> | undefined
  #requests = 0

  constructor(cluster: Cluster, agent: Agent) {
    this.#cluster = cluster
    this.#agent = agent
  }

  /**
   * Remembers under which scheme a host is served: requests for it go there. A host that nobody has named is served by
   * plain HTTP.
   */
  serves({ host, scheme }: Served): void {
    this.#schemes.set(host, scheme)
  }

  /** Where requests for a host go. */
  async at(host: string): Promise<Endpoint> {
    const scheme = this.#schemes.get(host) ?? 'http'
    return { scheme, address: await this.address(), port: await this.#port(scheme) }
  }

  /**
   * The address of the load balancer; of several each in its turn, as a resolver gives them.
   * @throws StackFailure where it has none
   */
  async address(): Promise<string> {
    const { servers } = this.#cluster.config.dns
    const named = await this.#named()
    // This machine's own resolver is asked with each request.
    const all = servers ? await this.#resolved(named) : named
    return all[this.#requests++ % all.length]!
  }

  /** All addresses of the load balancer as IPs: an NLB has one in each zone. */
  async addresses(): Promise<string[]> {
    return this.#resolved(await this.#named())
  }

  /** What stack.yaml says, or what the status of the gateway's Service has. */
  async #named(): Promise<string[]> {
    const { ingress } = this.#cluster.config.addresses
    if (ingress) return [ingress]
    const { addresses } = await theLoadBalancer(this.#cluster)
    const { namespace, name } = (await theGateway(this.#cluster)).service
    if (addresses.length === 0)
      throw new StackFailure(
        `Service ${namespace}/${name}: status.loadBalancer.ingress is empty; expected an address of the load ` +
          'balancer (set addresses.ingress in stack.yaml where requests come in by another)',
      )
    return addresses
  }

  async #resolved(names: readonly string[]): Promise<string[]> {
    const { servers } = this.#cluster.config.dns
    const resolved = await Promise.all(names.map(async (name) => (isIP(name) ? [name] : resolveHere(name, servers))))
    return [...new Set(resolved.flat())]
  }

  /** The port of the load balancer: what stack.yaml says, else that of the gateway's Service. */
  async #port(scheme: Scheme): Promise<number> {
    const said = this.#cluster.config.addresses.ports[scheme]
    if (said !== undefined) return said
    const gateway = await theGateway(this.#cluster)
    return scheme === 'https' ? (httpsPortOf(gateway)?.port ?? 443) : (httpPortOf(gateway)?.port ?? 80)
  }

  /** Sends one request. It never throws for what the network does: see Answer. */
  async send(request: IngressRequest): Promise<Answer> {
    const full = await this.#addressed(request)
    return this.#fromCluster ? this.#agent.send(full) : sendFromHere(full)
  }

  /** Does one TLS handshake with the load balancer's 443. It never throws for what the network does. */
  async handshake(request: Omit<HandshakeRequest, 'address' | 'port'>): Promise<Handshake> {
    const full = { ...request, address: await this.address(), port: await this.#port('https') }
    return readHandshake(await (this.#fromCluster ? this.#agent.shakeHands(full) : shakeHandsFromHere(full)))
  }

  /**
   * Probes the load balancer at a set rate while `work` goes on, and gives every sample with what the work gave; see
   * prober.ts. `work` is handed the prober, to wait for what it sees.
   */
  async probeWhile<T>(
    request: IngressRequest,
    options: ProbeOptions,
    work: (prober: Probe) => Promise<T>,
  ): Promise<{ samples: Sample[]; result: T }> {
    const full = await this.#addressed(request)
    const prober = this.#fromCluster ? await this.#agent.probe(full, options) : probeFromHere(full, options)
    try {
      const result = await work(prober)
      await prober.until(
        `${LEAST} requests of the probe`,
        ({ length }) => (length < LEAST ? `${length} of ${LEAST} were answered` : undefined),
        'configPush',
      )
      return { samples: await prober.end(), result }
    } finally {
      await prober.end()
    }
  }

  get #fromCluster(): boolean {
    return this.#cluster.config.vantage === 'cluster'
  }

  async #addressed({ to, ...request }: IngressRequest): Promise<HttpRequest> {
    const scheme = request.scheme ?? this.#schemes.get(request.host) ?? 'http'
    return {
      ...request,
      scheme,
      headers: withOurs(this.headers, request.headers),
      address: to ?? (await this.address()),
      port: await this.#port(scheme),
    }
  }

  /** The headers that stack.yaml has for each request through the gateway. */
  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= ourHeaders(this.#cluster.config))
  }

  /** How many requests in a row meet every gateway; see every-gateway.ts. */
  async requestsToMeetAll(): Promise<number> {
    return requestsToMeetAll((await gatewayPods(this.#cluster)).length)
  }

  /**
   * Sends the request again and again until `holds` was true for so many answers one after the other that every gateway
   * was met, or for `inARow`.
   * @throws StackFailure at the deadline, with the last answer
   */
  async until(
    request: IngressRequest,
    holds: (answer: Answer) => boolean,
    within: DeadlineName = 'configPush',
    options: EventuallyOptions = {},
  ): Promise<Answer> {
    let last: Answer | undefined
    const missing = async () => {
      last = await this.send({ ...request, within: request.within ?? within })
      const body = last.body.trim().slice(0, 120)
      return holds(last) ? undefined : `${describeAnswer(last)}${body ? `, body "${body}"` : ''}`
    }
    const inARow = options.inARow ?? (await this.requestsToMeetAll())
    await eventually(`${request.host}${request.path ?? '/'} through the load balancer`, missing, within, { inARow })
    return last!
  }
}

/** The headers of a request with ours: its own first, and cookies side by side. */
export function withOurs(
  ours: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const named = Object.fromEntries(Object.entries(ours).map(([name, value]) => [name.toLowerCase(), value]))
  const cookies = [named.cookie, own.cookie].filter((cookie) => cookie !== undefined)
  return { ...named, ...own, ...(cookies.length ? { cookie: cookies.join('; ') } : {}) }
}
