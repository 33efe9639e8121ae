import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Objects } from '../api/objects.ts'
import { endpointsOf, type Endpoint } from '../cluster/services.ts'
import type { Container } from '../kubelet/container.ts'
import type { KnativeHooks } from './hooks.ts'
import { REVISIONS, revisionKey } from './kinds.ts'
import { forwardedHeaders, HopAgent, passOn } from './pass-on.ts'
import { answerProbe } from './probes.ts'
import { logRequest } from './request-log.ts'
import { readConfig } from './settings.ts'
import { RequestStats } from './request-stats.ts'

/** The activators: they hold requests until there is a pod, and share the room that a revision's pods have. */
export class Activators {
  readonly #objects: Objects
  readonly #hooks: KnativeHooks
  readonly #poke: (name: string, namespace: string) => void
  readonly #stats = new Map<string, RequestStats>()
  readonly #inFlight = new Map<string, Map<string, number>>()
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #agents = new Map<Container, HopAgent>()

  constructor(objects: Objects, hooks: KnativeHooks, poke: (name: string, namespace: string) => void) {
    this.#objects = objects
    this.#hooks = hooks
    this.#poke = poke
    objects.store.listen('endpoints', ({ object }) =>
      this.#wake(revisionKey(object.metadata.namespace, object.metadata.name.replace(/-private$/, ''))),
    )
  }

  /** What the activators have seen of a revision since they were last asked. */
  report(revision: string): { concurrency: number; requestsPerSecond: number } {
    return this.#stats.get(revision)?.report() ?? { concurrency: 0, requestsPerSecond: 0 }
  }

  /** Answers a request that came to one activator pod. */
  async handle(container: Container, request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined)
    if (this.#hooks.answersProbe.apply(true, request) && answerProbe(request, response, 'activator')) return
    const [namespace, name] = [
      String(request.headers['knative-serving-namespace'] ?? ''),
      String(request.headers['knative-serving-revision'] ?? ''),
    ]
    const revision = this.#objects.get(REVISIONS, name, namespace)
    if (!revision) return void response.writeHead(404).end(`revision.serving.knative.dev "${name}" not found`)
    const observability = readConfig(this.#objects, 'config-observability')
    const template = observability['logging.request-log-template']
    if (observability['logging.enable-request-log'] === 'true' && template)
      logRequest(container.log, template, request, response, { name, namespace, pod: '' })
    const key = revisionKey(namespace, name)
    let stats = this.#stats.get(key)
    if (!stats) this.#stats.set(key, (stats = new RequestStats()))
    stats.enter(false)
    response.on('close', () => stats.leave(false))
    const limit = this.#hooks.concurrencyLimit.apply(Number(revision.spec.containerConcurrency ?? 0))
    const deadline = Date.now() + Number(revision.spec.timeoutSeconds ?? 300) * 1000
    const endpoint = await this.#place(key, name, namespace, limit, deadline, response)
    if (!endpoint) {
      if (!response.headersSent && !response.destroyed) response.writeHead(504).end('activator request timeout')
      return
    }
    try {
      const headers = this.#hooks.activatorHeaders.apply(forwardedHeaders(request), request)
      await passOn(request, response, {
        host: endpoint.address,
        port: container.network.realPort(endpoint.port),
        agent: this.#agentOf(container),
        headers: { ...headers, 'k-proxy-request': 'activator' },
      })
    } catch {
      if (!response.headersSent && !response.destroyed) response.writeHead(502).end('bad gateway')
    } finally {
      this.#leave(key, endpoint)
    }
  }

  forget(container: Container): void {
    this.#agents.get(container)?.destroy()
    this.#agents.delete(container)
  }

  /** The pod with the fewest requests, once one has room; undefined at the deadline, or when the client has gone. */
  async #place(
    key: string,
    name: string,
    namespace: string,
    limit: number,
    deadline: number,
    response: ServerResponse,
  ): Promise<Endpoint | undefined> {
    const since = Date.now()
    let isFirstLook = true
    while (!response.destroyed && Date.now() < deadline) {
      const endpoints = endpointsOf(this.#objects, `${name}-private`, namespace, 80)
      if (endpoints.length === 0) {
        this.#poke(name, namespace)
        if (!this.#hooks.waitsForPod.apply(true, { isFirstLook, waitedMs: Date.now() - since })) return undefined
        isFirstLook = false
      }
      const counts = this.#countsOf(key)
      const load = (each: Endpoint) => counts.get(each.address) ?? 0
      const [least] = endpoints.toSorted((a, b) => load(a) - load(b))
      if (least && (limit === 0 || load(least) < limit)) {
        counts.set(least.address, load(least) + 1)
        return least
      }
      await this.#turn(key, Math.min(500, deadline - Date.now()))
    }
    return undefined
  }

  #countsOf(key: string): Map<string, number> {
    let counts = this.#inFlight.get(key)
    if (!counts) this.#inFlight.set(key, (counts = new Map()))
    return counts
  }

  #leave(key: string, endpoint: Endpoint): void {
    const counts = this.#countsOf(key)
    counts.set(endpoint.address, Math.max(0, (counts.get(endpoint.address) ?? 1) - 1))
    const [first] = this.#waiting.get(key) ?? []
    first?.()
  }

  /** Waits until a place may have become free: one leaves, the endpoints change, or some time passes. */
  #turn(key: string, ms: number): Promise<void> {
    let waiting = this.#waiting.get(key)
    if (!waiting) this.#waiting.set(key, (waiting = new Set()))
    const set = waiting
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        set.delete(done)
        resolve()
      }
      const timer = setTimeout(done, Math.max(1, ms))
      set.add(done)
    })
  }

  #wake(key: string): void {
    for (const done of [...(this.#waiting.get(key) ?? [])]) done()
  }

  #agentOf(container: Container): HopAgent {
    let agent = this.#agents.get(container)
    if (!agent) this.#agents.set(container, (agent = new HopAgent(container.address)))
    return agent
  }
}
