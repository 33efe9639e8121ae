import { randomBytes } from 'node:crypto'
import type { DeadlineName } from '../core/deadlines.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { Answer } from '../traffic/http.ts'
import type { IngressRequest } from '../traffic/ingress.ts'
import { lineThat, untilLogged, type Line, type LogCondition, type Logging } from '../cluster/log-stream.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { gatewaySelection } from '../cluster/gateway-service.ts'
import { theGateway } from '../survey/surveyed.ts'
import type { Ingress } from '../traffic/ingress.ts'
import { accessLogReader } from './gateway-access-log.ts'
import type { Istio } from './istio.ts'

/** A path that no other request has, to find a request in logs: Envoy replaces the request id that a client sends. */
export const uniquePath = (): string => `/plumb-${randomBytes(8).toString('hex')}`
const UNIQUE_PATH = /\/plumb-[0-9a-f]{16}/

/** The gateway's access log, read by the API from all of its pods. */
export class GatewayLog {
  readonly #cluster: Cluster
  readonly #ingress: Ingress
  readonly #istio: Istio

  constructor(cluster: Cluster, ingress: Ingress, istio: Istio) {
    this.#cluster = cluster
    this.#ingress = ingress
    this.#istio = istio
  }

  /**
   * Sends a request with a path of its own, and waits until a line with it stands in the log of a gateway.
   * @throws StackFailure at the deadline, DoesNotApply where no such line is to be expected: gateway-access-log.ts
   */
  async logged(
    request: IngressRequest,
    within: DeadlineName = 'accessLogged',
  ): Promise<{ path: string; answer: Answer; line: string; ms: number }> {
    const path = uniquePath()
    const since = performance.now()
    const answer = await this.#ingress.send({ ...request, path: `${path}${request.path ?? ''}` })
    const answered = performance.now()
    const line = lineThat(({ text }) => text.includes(path))
    await this.until(since, `request ${path} in the access log`, line, within)
    return { path, answer, line: line.found()?.text ?? '', ms: performance.now() - answered }
  }

  /**
   * Sends requests until `wrong` gives undefined for a line about one of them in every gateway pod: a change of logging
   * reaches each pod at its own time.
   * @throws StackFailure at the deadline, with the pods whose lines are still wrong and the last such line
   */
  async untilInEveryGateway(
    request: IngressRequest,
    what: string,
    wrong: (line: string) => string | undefined,
  ): Promise<void> {
    const behind = new Set(await this.#podNames())
    let last = 'none'
    const mark = uniquePath()
    const take = ({ pod, text }: Line) => {
      if (!text.includes(mark)) return
      const problem = wrong(text)
      if (problem === undefined) behind.delete(pod)
      else last = problem
    }
    const missing = () =>
      behind.size ? `missing from ${[...behind].join(', ')}; last other line: ${last.slice(0, 200)}` : undefined
    await this.#whileAsking(request, mark, () =>
      this.until(performance.now(), `${what} from every gateway pod`, { take, missing }, 'configPush'),
    )
  }

  async #podNames(): Promise<string[]> {
    return (await this.#istio.gatewayPods()).map(({ metadata }) => metadata?.name ?? '')
  }

  /** Sends a request again and again while `work` goes on. */
  async #whileAsking(request: IngressRequest, path: string, work: () => Promise<void>): Promise<void> {
    const over = new AbortController()
    const asking = this.#keepAsking(request, path, over.signal)
    try {
      await work()
    } finally {
      over.abort()
      await asking
    }
  }

  async #keepAsking(request: IngressRequest, mark: string, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.#ingress.send({ ...request, path: mark })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /**
   * Sends `count` requests that are answered with 200, and then others with 404 until every gateway pod has logged one
   * of these. An Envoy writes its lines in order, so by then its lines about the first requests are there.
   * @returns how many of the first requests are logged
   */
  async loggedBeforeErrors(host: string, mark: string, count: number): Promise<number> {
    const since = performance.now()
    const ask = (path: string) => this.#ingress.send({ host, path })
    await Promise.all(Array.from({ length: count }, (_, at) => ask(`${mark}/${at}`)))
    const behind = new Set(await this.#podNames())
    let logged = 0
    const take = ({ pod, text }: Line) => {
      if (text.includes(`${mark}/error`)) behind.delete(pod)
      else if (text.includes(mark)) logged++
    }
    const missing = () => (behind.size ? `missing from ${[...behind].join(', ')}` : undefined)
    await this.#whileAsking({ host }, `${mark}/error?status=404`, () =>
      this.until(since, `a 404 under ${mark} in the access log of every gateway pod`, { take, missing }),
    )
    return logged
  }

  /** Sends so many requests, and gives the line about each, once all are there. */
  async linesOf(request: IngressRequest, count: number): Promise<string[]> {
    const since = performance.now()
    const paths = Array.from({ length: count }, uniquePath)
    await Promise.all(paths.map((path) => this.#ingress.send({ ...request, path })))
    const left = new Set(paths)
    const lines = new Map<string, string>()
    const take = ({ text }: Line) => {
      const path = UNIQUE_PATH.exec(text)?.[0] ?? ''
      if (left.delete(path)) lines.set(path, text)
    }
    const missing = () => (left.size ? `${left.size} of ${count} are missing` : undefined)
    await this.until(since, `${count} requests in the access log`, { take, missing })
    return paths.map((path) => lines.get(path) ?? '')
  }

  /** Sends requests until a gateway pod writes a line at debug. */
  async untilDebug(pod: KubernetesObject, request: IngressRequest): Promise<void> {
    const name = pod.metadata?.name ?? ''
    const debug = lineThat((line) => line.pod === name && /\tdebug\tenvoy |\[debug\]|"level":"debug"/.test(line.text))
    await this.#whileAsking(request, uniquePath(), () =>
      this.#follow(performance.now(), `a debug line in the log of Pod ${name}`, debug, 'configPush'),
    )
  }

  /**
   * Waits for lines about requests from all gateway pods, from `since` (performance.now()) on.
   * @throws StackFailure at the deadline, DoesNotApply where no such lines are to be expected: gateway-access-log.ts
   */
  async until(
    since: number,
    what: string,
    condition: LogCondition,
    within: DeadlineName = 'accessLogged',
  ): Promise<void> {
    await accessLogReader(this.#cluster)
    return this.#follow(since, what, condition, within)
  }

  async #follow(since: number, what: string, condition: LogCondition, within: DeadlineName): Promise<void> {
    return untilLogged(this.#cluster.k8s, await this.#whose(), since, what, condition, within)
  }

  async #whose(): Promise<Logging> {
    return { ...gatewaySelection(await theGateway(this.#cluster)), container: 'istio-proxy' }
  }
}
