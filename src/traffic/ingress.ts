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
import { gatewayHostname, gatewayPods, gatewayService } from '../cluster/gateway-service.ts'
import { objectName } from '../kube/object-id.ts'
import type { Agent } from './agent.ts'

/** A probe goes on until it has sent so many: an outage of a few must not hide in a handful. */
const LEAST = 200

/** A request through the load balancer: its address and port are known, the rest is the caller's. */
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
  #requests = 0

  constructor(cluster: Cluster, agent: Agent) {
    this.#cluster = cluster
    this.#agent = agent
  }

  /**
   * The address of the load balancer: what stack.yaml says, or what the gateway's Service has in its status.
   * @throws StackFailure where the Service has none
   */
  async address(): Promise<string> {
    const { addresses } = this.#cluster.config
    if (addresses.ingress) return addresses.ingress
    const service = await gatewayService(this.#cluster)
    const first = service.status?.loadBalancer?.ingress?.[0] as { ip?: string; hostname?: string } | undefined
    const address = first?.ip ?? first?.hostname
    if (!address)
      throw new StackFailure(
        `${objectName(service)}: status.loadBalancer.ingress is empty; expected an address of the load balancer`,
      )
    const { servers } = this.#cluster.config.dns
    if (!servers || isIP(address)) return address
    // In turn, as a resolver gives them.
    const resolved = await resolveHere(address, servers)
    return resolved[this.#requests++ % resolved.length]!
  }

  /** All addresses of the load balancer: an NLB has one in each zone. */
  async addresses(): Promise<string[]> {
    const { addresses, dns } = this.#cluster.config
    const name =
      addresses.ingress ?? (this.#cluster.run.aws ? await gatewayHostname(this.#cluster) : await this.address())
    return isIP(name) ? [name] : resolveHere(name, dns.servers)
  }

  /** Sends one request. It never throws for what the network does: see Answer. */
  async send(request: IngressRequest): Promise<Answer> {
    const full = await this.#addressed(request)
    return this.#fromCluster ? this.#agent.send(full) : sendFromHere(full)
  }

  /** Does one TLS handshake with the load balancer's 443. It never throws for what the network does. */
  async handshake(request: Omit<HandshakeRequest, 'address' | 'port'>): Promise<Handshake> {
    const full = { ...request, address: await this.address(), port: this.#cluster.config.addresses.ports.https }
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

  async #addressed(request: IngressRequest): Promise<HttpRequest> {
    const { ports } = this.#cluster.config.addresses
    const { to, ...rest } = request
    return {
      ...rest,
      address: to ?? (await this.address()),
      port: request.scheme === 'https' ? ports.https : ports.http,
    }
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
