import type { Cluster } from '../cluster/cluster.ts'
import type { Agent } from './agent.ts'
import { callGrpcFromHere, type GrpcAnswer, type GrpcCall } from './grpc.ts'
import { sendOverHttp2FromHere, type Http2Answers, type Http2Exchange } from './http2.ts'
import type { Endpoint, Ingress } from './ingress.ts'
import { OpenStreams, type KeptStreams, type StreamsTarget } from './open-streams.ts'
import { talkFromHere, type WebsocketAnswer, type WebsocketTalk } from './websocket.ts'

/** What is said of a request by its caller: where it goes to is known. */
type WithoutPlace<T> = Omit<T, keyof Endpoint>

/**
 * Through the load balancer what HTTP/1.1 is not: several hosts over one HTTP/2 connection, gRPC, websockets, streams
 * that stay open. From where stack.yaml's `vantage` says. None throws for what the network does.
 */
export class Protocols {
  readonly #cluster: Cluster
  readonly #ingress: Ingress
  readonly #agent: Agent

  constructor(cluster: Cluster, ingress: Ingress, agent: Agent) {
    this.#cluster = cluster
    this.#ingress = ingress
    this.#agent = agent
  }

  /** Asks hosts over one connection, which is opened for the first of them. */
  async sendOverHttp2({ requests, sni }: WithoutPlace<Http2Exchange>): Promise<Http2Answers> {
    const first = requests[0]?.host ?? ''
    const own = { ...this.#ingress.headers }
    const exchange = {
      ...(await this.#ingress.at(first)),
      sni: sni ?? first,
      requests: requests.map((request) => ({ ...request, headers: { ...own, ...request.headers } })),
    }
    return this.#fromCluster ? this.#agent.sendOverHttp2(exchange) : sendOverHttp2FromHere(exchange)
  }

  async callGrpc(call: WithoutPlace<GrpcCall>): Promise<GrpcAnswer> {
    const full = await this.#addressed(call)
    return this.#fromCluster ? this.#agent.callGrpc(full) : callGrpcFromHere(full)
  }

  async talk(talk: WithoutPlace<WebsocketTalk>): Promise<WebsocketAnswer> {
    const full = await this.#addressed(talk)
    return this.#fromCluster ? this.#agent.talk(full) : talkFromHere(full)
  }

  /** Opens streams and keeps them open until they are ended. */
  async openStreams(target: WithoutPlace<StreamsTarget>): Promise<KeptStreams> {
    const full = await this.#addressed(target)
    return this.#fromCluster ? this.#agent.openStreams(full) : new OpenStreams(full)
  }

  get #fromCluster(): boolean {
    return this.#cluster.config.vantage === 'cluster'
  }

  async #addressed<T extends { host: string; headers?: Record<string, string> }>(what: T): Promise<T & Endpoint> {
    return {
      ...what,
      headers: { ...this.#ingress.headers, ...what.headers },
      ...(await this.#ingress.at(what.host)),
    }
  }
}
