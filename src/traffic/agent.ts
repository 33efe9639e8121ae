import { randomBytes } from 'node:crypto'
import { deadline } from '../core/deadlines.ts'
import { ClusterProblem, plainMessage } from '../core/problem.ts'
import { statusOf } from '../kube/errors.ts'
import { podsReady } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { agentProgram } from './agent-bundle.ts'
import { AgentProblem, isGone, nameOfPod, postToPod, type AgentPod } from './agent-pod.ts'
import { AgentProbe, type StartedProbe } from './agent-probe.ts'
import { AgentStreams } from './agent-streams.ts'
import type { GrpcAnswer, GrpcCall } from './grpc.ts'
import type { HandshakeAnswer, HandshakeRequest } from './handshake.ts'
import type { Answer, HttpRequest } from './http.ts'
import type { Http2Answers, Http2Exchange } from './http2.ts'
import type { StreamsTarget } from './open-streams.ts'
import type { ProbeOptions } from './prober.ts'
import type { WebsocketAnswer, WebsocketTalk } from './websocket.ts'

/**
 * A Deployment of ours whose one pod sends requests from inside the cluster, reached by the API server's pod proxy.
 * Made when first asked. A pod that is gone (its node was drained) is found anew, and what can be sent twice is sent
 * once more.
 */
export class Agent {
  /** What a request must carry, so that no other pod of the cluster sends its requests through this one. */
  readonly #token = randomBytes(32).toString('hex')
  readonly #cluster: Cluster
  #current: Promise<AgentPod> | undefined

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /**
   * Sends one request from the agent pod. It never throws for what the network does: see Answer.
   * @throws AgentProblem where the agent does not start, or its pod was replaced during a request that must not be sent
   * twice
   */
  async send(request: HttpRequest): Promise<Answer> {
    const twice = request.method !== 'POST'
    return this.#ask('request', { ...request, withinMs: deadline(request.within ?? 'request') }, twice)
  }

  /**
   * Does one TLS handshake from the agent pod. It never throws for what the network does.
   * @throws AgentProblem as `send`
   */
  async shakeHands(request: HandshakeRequest): Promise<HandshakeAnswer> {
    return this.#ask('handshake', { ...request, withinMs: deadline('request') }, true)
  }

  /** Asks hosts over one HTTP/2 connection from the agent pod; see http2.ts. @throws AgentProblem as `send` */
  sendOverHttp2(exchange: Http2Exchange): Promise<Http2Answers> {
    return this.#ask('http2', { ...exchange, withinMs: deadline('request') }, true)
  }

  /** Makes a gRPC call from the agent pod; see grpc.ts. @throws AgentProblem as `send` */
  callGrpc(call: GrpcCall): Promise<GrpcAnswer> {
    return this.#ask('grpc', { ...call, withinMs: deadline(call.within ?? 'request') }, true)
  }

  /** Talks over a websocket from the agent pod; see websocket.ts. @throws AgentProblem as `send` */
  talk(talk: WebsocketTalk): Promise<WebsocketAnswer> {
    return this.#ask('websocket', { ...talk, withinMs: deadline(talk.within ?? 'request') + (talk.keepMs ?? 0) }, true)
  }

  /**
   * Opens streams from the agent pod and keeps them open; see open-streams.ts.
   * @throws AgentProblem where the agent does not start
   */
  async openStreams(target: StreamsTarget): Promise<AgentStreams> {
    const withinMs = deadline('request')
    let home: AgentPod | undefined
    const { id } = await this.#ask<{ id: string }>('streams', { ...target, withinMs }, true, (pod) => {
      home = pod
    })
    return new AgentStreams((what) => this.askPod(home!, what, { id, withinMs }))
  }

  /**
   * Begins a probe that the agent pod sends at a set rate; see prober.ts.
   * @throws AgentProblem where the agent does not start
   */
  probe(request: HttpRequest, options: ProbeOptions): Promise<AgentProbe> {
    const withinMs = deadline(request.within ?? 'request')
    let home: AgentPod | undefined
    return AgentProbe.follow(
      () =>
        this.#ask<StartedProbe>('probe', { ...request, ...options, withinMs }, true, (pod) => {
          home = pod
        }),
      (what, about) => this.askPod(home!, what, { ...about, withinMs }),
    )
  }

  /**
   * The values that a fixture with an agent of its own takes: the program and the token, as `${agentProgram}` and
   * `${agentToken}`.
   */
  async fixtureValues(): Promise<{ agentProgram: string; agentToken: string }> {
    return { agentProgram: JSON.stringify(await agentProgram()), agentToken: this.#token }
  }

  /**
   * Has one agent pod do something: one of the mesh, one beside a load generator.
   * @throws AgentProblem where the pod is gone or does not take the request
   */
  async askPod<T>(pod: AgentPod, what: string, request: { withinMs: number } & Record<string, unknown>): Promise<T> {
    try {
      return await postToPod<T>(this.#cluster, pod, this.#token, what, request)
    } catch (problem) {
      throw statusOf(problem) ? new AgentProblem(plainMessage(problem), { cause: problem }) : problem
    }
  }

  async #ask<T>(
    what: string,
    request: { withinMs: number },
    twice: boolean,
    sentBy: (pod: AgentPod) => void = () => undefined,
  ): Promise<T> {
    const pod = await this.#pod()
    try {
      sentBy(pod)
      return await this.askPod<T>(pod, what, request)
    } catch (problem) {
      if (!(problem instanceof AgentProblem) || !isGone(problem.cause)) throw problem
      if (this.#current && (await this.#current.catch(() => pod)) === pod) this.#current = undefined
      if (!twice)
        throw new AgentProblem(
          `${nameOfPod(pod)}, the agent, was replaced during a request that must not be sent twice: ${problem.message}`,
        )
      const next = await this.#pod()
      sentBy(next)
      return await this.askPod<T>(next, what, request)
    }
  }

  /** The agent's pod that is Ready now. */
  #pod(): Promise<AgentPod> {
    if (this.#current) return this.#current
    const current = this.#find()
    this.#current = current
    current.catch(() => {
      if (this.#current === current) this.#current = undefined
    })
    return current
  }

  async #find(): Promise<AgentPod> {
    const namespace = await this.#cluster.shared('agent', () => this.#make())
    const watched = { kind: 'v1/Pod', namespace, labels: 'app=plumbline-agent' }
    try {
      const pods = await this.#cluster.until(watched, podsReady(1), 'agentReady')
      const ready = pods.find((pod) => podsReady(1)([pod]) === undefined)
      return { namespace, name: ready?.metadata?.name ?? '' }
    } catch (problem) {
      if (problem instanceof ClusterProblem) throw problem
      throw new AgentProblem(`the agent in namespace ${namespace} did not start: ${plainMessage(problem)}`, {
        cause: problem,
      })
    }
  }

  async #make(): Promise<string> {
    const namespace = await this.#cluster.namespace('agent')
    await this.#cluster.applyFixture('agent/agent.yaml', { namespace, ...(await this.fixtureValues()) })
    return namespace
  }
}
