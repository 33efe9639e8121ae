import { deadline } from '../core/deadlines.ts'
import { AgentProbe } from './agent-probe.ts'
import type { HandshakeAnswer, HandshakeRequest } from './handshake.ts'
import type { Answer, HttpRequest } from './http.ts'
import { readFixture } from '../kube/manifest.ts'
import type { ProbeOptions } from './prober.ts'
import { podsReady } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'

/** Has an agent pod do something, through the API server's pod proxy. */
export async function postToAgent<T>(
  cluster: Cluster,
  { namespace, name }: { namespace: string; name: string },
  what: string,
  request: { withinMs: number },
): Promise<T> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}:8080/proxy/${what}`
  const within = request.withinMs + deadline('apiCall')
  const { body } = await cluster.k8s.raw('POST', path, { body: JSON.stringify(request), within })
  return JSON.parse(body) as T
}

/** A pod of ours that sends requests from inside the cluster, reached by the API server's pod proxy. Made when first asked. */
export class Agent {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Sends one request from the agent pod. It never throws for what the network does: see Answer. */
  async send(request: HttpRequest): Promise<Answer> {
    return this.#post('request', request, deadline(request.within ?? 'request'))
  }

  /** Does one TLS handshake from the agent pod. It never throws for what the network does. */
  async shakeHands(request: HandshakeRequest): Promise<HandshakeAnswer> {
    return this.#post('handshake', request, deadline('request'))
  }

  /** Begins a probe that the agent pod sends at a set rate; see prober.ts. @throws StackFailure where the agent does not start */
  probe(request: HttpRequest, options: ProbeOptions): Promise<AgentProbe> {
    const within = deadline(request.within ?? 'request')
    return AgentProbe.follow(
      () => this.#post<{ id: string; now: number }>('probe', { ...request, ...options }, within),
      (what, about) => this.#post(what, about, within),
    )
  }

  async #post<T>(what: string, request: object, withinMs: number): Promise<T> {
    return postToAgent<T>(this.#cluster, { namespace: await this.#start(), name: 'agent' }, what, {
      ...request,
      withinMs,
    })
  }

  /** Gives the agent's namespace. */
  #start(): Promise<string> {
    return this.#cluster.shared('agent', async () => {
      const namespace = await this.#cluster.namespace('agent')
      await this.#cluster.applyFixture('agent/agent.yaml', {
        namespace,
        program: JSON.stringify(readFixture('agent/agent.mjs')),
      })
      await this.#cluster.until({ kind: 'v1/Pod', namespace, name: 'agent' }, podsReady(1), 'agentReady')
      return namespace
    })
  }
}
