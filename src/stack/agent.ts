import { deadline } from '../check/deadlines.ts'
import type { Answer, HttpRequest } from './http.ts'
import { readFixture } from './manifest.ts'
import type { Stack } from './stack.ts'
import { podsReady } from './until.ts'

/** A pod of ours that sends requests from inside the cluster, reached by the API server's pod proxy. Made when first asked. */
export class Agent {
  readonly #stack: Stack

  constructor(stack: Stack) {
    this.#stack = stack
  }

  /** Sends one request from the agent pod. It never throws for what the network does: see Answer. */
  async send(request: HttpRequest): Promise<Answer> {
    const namespace = await this.#start()
    const withinMs = deadline(request.within ?? 'request')
    const { body } = await this.#stack.k8s.raw(
      'POST',
      `/api/v1/namespaces/${namespace}/pods/agent:8080/proxy/request`,
      {
        body: JSON.stringify({ ...request, withinMs }),
        within: withinMs + deadline('apiCall'),
      },
    )
    return JSON.parse(body) as Answer
  }

  /** Where the agent runs: its node's name, for checks that compare zones. */
  #start(): Promise<string> {
    return this.#stack.shared('agent', async () => {
      const namespace = await this.#stack.namespace('agent')
      await this.#stack.applyFixture('agent/agent.yaml', {
        namespace,
        program: JSON.stringify(readFixture('agent/agent.mjs')),
      })
      await this.#stack.until({ kind: 'v1/Pod', namespace, name: 'agent' }, podsReady(1), 'agentReady')
      return namespace
    })
  }
}
