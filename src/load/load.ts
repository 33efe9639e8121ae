import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import pLimit from 'p-limit'
import { deadline } from '../core/deadlines.ts'
import { currentScope, inScope } from '../core/scope.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import { runHere } from './k6-here.ts'
import { runInContainer } from './k6-image.ts'
import { runAsJob } from './k6-job.ts'
import { K6_OLDEST } from './k6.ts'
import { LoadProblem, LoadRun, type Generator, type LoadResult } from './load-run.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Agent } from '../traffic/agent.ts'
import type { Ingress } from '../traffic/ingress.ts'

/** The scripts of load/. */
export type Script = 'steady' | 'scale-from-zero' | 'panic' | 'connection-pool' | 'split' | 'flip' | 'background'

/** Who is asked, and what the script takes besides, by the names that its head has. */
export interface LoadRequest {
  host: string
  parameters: Record<string, string | number>
}

/** Where a stack has load start: where it says, else where its requests start. */
export const loadFrom = ({ load, vantage }: StackConfig): 'here' | 'job' =>
  load.from ?? (vantage === 'cluster' ? 'job' : 'here')

/** k6 and the scripts of load/, sent through the load balancer from where the stack file says. */
export class Load {
  readonly #cluster: Cluster
  readonly #ingress: Ingress
  readonly #agent: Agent
  readonly #turns = pLimit(Math.max(1, Math.floor(availableParallelism() / 2)))
  #jobs = 0

  constructor(cluster: Cluster, ingress: Ingress, agent: Agent) {
    this.#cluster = cluster
    this.#ingress = ingress
    this.#agent = agent
  }

  /**
   * Does `work`, which sends load, once few others do: as many at once as half this machine's processors. On two of
   * them, with a cluster beside it, k6 could not keep two rates at once: what is seen then is of the machine and not of
   * the stack.
   */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const scope = currentScope()
    const started = Promise.withResolvers<void>()
    const turn = this.#turns(() => {
      started.resolve()
      scope?.signal.throwIfAborted()
      return scope ? inScope(scope, work) : work()
    })
    void scope?.waiting('a turn to send load', deadline('loadTurn'), () => started.promise, 'turn')
    return turn
  }

  /** Where load starts, as a report says it. */
  get from(): 'here' | 'job' {
    return loadFrom(this.#cluster.config)
  }

  /** Starts a script. It ends with the running check at the latest. `began` is what its samples count from. */
  async start(script: Script, { host, parameters }: LoadRequest, began?: number): Promise<LoadRun> {
    const environment = {
      ...(await this.#target(host)),
      ...Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key, String(value)])),
    }
    const scope = currentScope()
    scope?.signal.throwIfAborted()
    const run = new LoadRun(script, await this.#generate(script, environment), began)
    if (this.from === 'job')
      scope?.measurements.push({ name: 'clock error of the load generator', value: run.clock.errorMs, unit: 'ms' })
    const stop = () => void run.end().catch(() => undefined)
    scope?.signal.addEventListener('abort', stop, { once: true })
    scope?.onEnd(async () => {
      scope.signal.removeEventListener('abort', stop)
      await run.end().catch(() => undefined)
    })
    return run
  }

  /**
   * Runs a script to its end.
   * @throws LoadProblem where k6 died or could not keep its rate
   */
  async run(script: Script, request: LoadRequest, began?: number): Promise<LoadResult> {
    return (await this.start(script, request, began)).ended()
  }

  /**
   * What of the environment tells a script where to send its requests. For TLS the URL has the host, so that the
   * handshake asks for it, and ADDRESS says where that is.
   */
  async #target(host: string): Promise<Record<string, string>> {
    const { scheme, address, port } = await this.#ingress.at(host)
    const bracketed = address.includes(':') ? `[${address}]` : address
    const headers = this.#ingress.headers
    return {
      HOST: host,
      ...(scheme === 'https'
        ? { URL: `https://${host}:${port}/`, ADDRESS: await this.#ip(address) }
        : { URL: `http://${bracketed}:${port}/` }),
      ...(Object.keys(headers).length ? { HEADERS: JSON.stringify(headers) } : {}),
    }
  }

  /** k6 takes an IP alone for a host. */
  async #ip(address: string): Promise<string> {
    return isIP(address) ? address : (await this.#ingress.addresses())[0]!
  }

  async #generate(script: Script, parameters: Record<string, string>): Promise<Generator> {
    if (this.from === 'job') {
      const namespace = await this.#cluster.shared('load', () => this.#cluster.namespace('load'))
      const job = { namespace, name: `${script}-${++this.#jobs}`, script }
      return runAsJob(this.#cluster, this.#agent, job, parameters)
    }
    const { k6 } = this.#cluster.run
    if (!k6)
      throw new LoadProblem(`k6 not found: install k6 ${K6_OLDEST} or newer, or set load.from: job in stack.yaml`)
    return k6.how === 'image' ? runInContainer(k6.what, script, parameters) : runHere(k6.what, script, parameters)
  }
}
