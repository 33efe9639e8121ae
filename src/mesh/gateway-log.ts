import { randomBytes } from 'node:crypto'
import type { DeadlineName } from '../core/deadlines.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { Answer } from '../traffic/http.ts'
import type { IngressRequest } from '../traffic/ingress.ts'
import { untilLogged, type Line, type Logging } from '../kube/log-stream.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Ingress } from '../traffic/ingress.ts'
import type { Istio } from './istio.ts'

/** A path that no other request has: by it a request is found in logs. Envoy gives each request an id of its own, whatever it came with. */
export const uniquePath = (): string => `/plumb-${randomBytes(8).toString('hex')}`

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
   * @throws StackFailure at the deadline
   */
  async logged(
    request: IngressRequest,
    within: DeadlineName = 'accessLogged',
  ): Promise<{ path: string; answer: Answer; line: string; ms: number }> {
    const path = uniquePath()
    const since = performance.now()
    const answer = await this.#ingress.send({ ...request, path: `${path}${request.path ?? ''}` })
    const answered = performance.now()
    const lines = await this.until(
      since,
      `the request ${path} in the access log`,
      (seen) => (lineOf(seen, path) ? undefined : `${seen.length} lines, none with it`),
      within,
    )
    return { path, answer, line: lineOf(lines, path)?.text ?? '', ms: performance.now() - answered }
  }

  /**
   * Sends requests until a line about one of them satisfied `wrong` (it gives undefined) in every gateway pod: a change of logging
   * reaches each at its own time.
   * @throws StackFailure at the deadline, with the pods that are behind and what they wrote
   */
  async untilInEveryGateway(
    request: IngressRequest,
    what: string,
    wrong: (line: string) => string | undefined,
  ): Promise<void> {
    const pods = (await this.#istio.gatewayPods()).map(({ metadata }) => metadata?.name ?? '')
    const right = new Set<string>()
    const mark = uniquePath()
    const since = performance.now()
    const over = new AbortController()
    const asking = this.#keepAsking(request, mark, over.signal)
    try {
      await this.until(
        since,
        `${what} of every gateway`,
        (lines) => {
          let last = 'nothing yet'
          for (const { pod, text } of lines.filter((line) => line.text.includes(mark))) {
            const problem = wrong(text)
            if (problem === undefined) right.add(pod)
            else last = problem
          }
          const behind = pods.filter((pod) => !right.has(pod))
          return behind.length ? `not of ${behind.join(', ')}; last other line: ${last.slice(0, 200)}` : undefined
        },
        'configPush',
      )
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
   * Sends so many requests that are answered with 200, and then others with 404, until every gateway has logged one of these; an Envoy
   * writes its lines in order, so whatever it logs of the first is there by then. Gives how many of the first are.
   */
  async loggedBeforeErrors(host: string, mark: string, count: number): Promise<number> {
    const since = performance.now()
    const ask = (path: string) => this.#ingress.send({ host, path })
    await Promise.all(Array.from({ length: count }, (_, at) => ask(`${mark}/${at}`)))
    const pods = (await this.#istio.gatewayPods()).map(({ metadata }) => metadata?.name ?? '')
    const over = new AbortController()
    const asking = this.#keepAsking({ host }, `${mark}/error?status=404`, over.signal)
    try {
      const lines = await this.until(since, `a 404 of ${mark} in every gateway`, (seen) => {
        const behind = pods.filter(
          (pod) => !seen.some((line) => line.pod === pod && line.text.includes(`${mark}/error`)),
        )
        return behind.length ? `none of ${behind.join(', ')}` : undefined
      })
      return lines.filter(({ text }) => text.includes(mark) && !text.includes(`${mark}/error`)).length
    } finally {
      over.abort()
      await asking
    }
  }

  /** Sends so many requests, and gives the line about each, once all are there. */
  async linesOf(request: IngressRequest, count: number): Promise<string[]> {
    const since = performance.now()
    const paths = Array.from({ length: count }, uniquePath)
    await Promise.all(paths.map((path) => this.#ingress.send({ ...request, path })))
    const found = (lines: readonly Line[]) => paths.flatMap((path) => lineOf(lines, path)?.text ?? [])
    const lines = await this.until(since, `${count} requests in the access log`, (seen) => {
      const missing = count - found(seen).length
      return missing ? `${missing} of ${count} are not there` : undefined
    })
    return found(lines)
  }

  /** Sends requests until a gateway pod writes a line at debug. */
  async untilDebug(pod: KubernetesObject, request: IngressRequest): Promise<void> {
    const over = new AbortController()
    const asking = this.#keepAsking(request, uniquePath(), over.signal)
    const name = pod.metadata?.name ?? ''
    const isDebug = (line: Line) => line.pod === name && /\tdebug\tenvoy |\[debug\]/.test(line.text)
    try {
      await this.until(
        performance.now(),
        `a line at debug in ${name}`,
        (lines) =>
          lines.some(isDebug) ? undefined : `${lines.filter((line) => line.pod === name).length} lines, none at debug`,
        'configPush',
      )
    } finally {
      over.abort()
      await asking
    }
  }

  /** Waits for lines of all gateway pods, from `since` (performance.now()) on. */
  async until(
    since: number,
    what: string,
    missing: (lines: readonly Line[]) => string | undefined,
    within: DeadlineName = 'accessLogged',
  ): Promise<Line[]> {
    return untilLogged(this.#cluster.k8s, await this.#whose(), since, what, missing, within)
  }

  async #whose(): Promise<Logging> {
    const { namespace, service } = this.#cluster.config.gateway
    const { spec } = await this.#cluster.one('v1/Service', service, namespace)
    const selector = Object.entries((spec?.selector ?? {}) as Record<string, string>)
    return { namespace, labels: selector.map(([key, value]) => `${key}=${value}`).join(','), container: 'istio-proxy' }
  }
}

export const lineOf = (lines: readonly Line[], path: string): Line | undefined =>
  lines.find(({ text }) => text.includes(path))
