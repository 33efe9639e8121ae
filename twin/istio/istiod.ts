import type { RequestListener } from 'node:http'
import type { Objects } from '../api/objects.ts'
import { Component } from '../cluster/component.ts'
import type { Defects } from '../defects.ts'
import http from 'node:http'
import type { Image } from '../kubelet/container.ts'
import { answerAdmin } from './envoy-admin.ts'
import { PUSHED, readMesh } from './mesh.ts'
import { GatewayProxy, XDS_TYPES } from './proxy.ts'

const DEBOUNCE_MS = 50

/** istiod: pushes the configuration to the proxies when it changes, while a pod of it runs. */
export class Istiod {
  readonly component = new Component()
  readonly version: string
  readonly #objects: Objects
  readonly #defects: Defects
  readonly #proxies = new Set<GatewayProxy>()
  #pushes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(objects: Objects, version: string, defects: Defects) {
    this.#objects = objects
    this.version = version
    this.#defects = defects
    for (const resource of PUSHED) objects.store.listen(resource, () => this.#pushSoon())
    this.component.onChange((container, up) => {
      if (up)
        container.log.write(
          `${new Date().toISOString()}\tinfo\tads\tAll caches have been synced up, marking server ready`,
        )
      this.#pushSoon()
    })
  }

  /** istiod's own image: its version, its metrics and what it knows of the proxies. */
  get image(): Image {
    return this.component.image(() => ({ 15014: this.#answer }))
  }

  /** The image of a gateway's proxy. */
  get proxyImage(): Image {
    return async (container) => {
      const proxy = new GatewayProxy(container, this.#objects, this.#defects)
      const ready: RequestListener = (request, response) => {
        response.statusCode = request.url === '/healthz/ready' && proxy.isReady ? 200 : 503
        response.end()
      }
      await container.listen(http.createServer(ready), 15021)
      if (this.#defects.has('admin-port-open'))
        await container.listen(http.createServer(answerAdmin(this.#objects, () => undefined, this.#defects)), 15000)
      this.#proxies.add(proxy)
      this.component.log(
        `${new Date().toISOString()}\tinfo\tads\tADS: new connection for node:${container.pod.metadata.name}.${container.pod.metadata.namespace}`,
      )
      this.#pushSoon()
      return {
        stop: () => {
          this.#proxies.delete(proxy)
          // Envoy drains: connections that are open go on for a while.
          setTimeout(() => proxy.close(), 1000).unref()
        },
      }
    }
  }

  #pushSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#push()
    }, DEBOUNCE_MS)
    this.#timer.unref()
  }

  #push(): void {
    if (!this.component.isUp) return
    const snapshot = readMesh(this.#objects)
    const nonce = String(++this.#pushes)
    for (const proxy of this.#proxies) proxy.accept(snapshot, nonce)
    this.component.log(
      `${new Date().toISOString()}\tinfo\tads\tXDS: Pushing Services:${snapshot.services.length} ConnectedEndpoints:${this.#proxies.size} Version:${nonce}`,
    )
  }

  readonly #answer: RequestListener = (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://istiod')
    if (pathname === '/version') return void response.end(`${this.version}-twin-Clean`)
    if (pathname === '/metrics')
      return void response.end(
        `# TYPE pilot_xds_pushes counter\npilot_xds_pushes{type="cds"} ${this.#pushes}\npilot_info{version="${this.version}"} 1\n`,
      )
    if (pathname === '/debug/syncz') {
      // A proxy is connected to one istiod: by the order of their pods' addresses.
      const pods = [...this.component.running].map(({ address }) => address).toSorted()
      const at = pods.indexOf(request.socket.localAddress ?? '')
      const mine = [...this.#proxies].filter((_, index) => at < 0 || index % pods.length === at)
      response.setHeader('content-type', 'application/json')
      return void response.end(JSON.stringify(mine.map((proxy) => this.#statusOf(proxy))))
    }
    response.statusCode = 404
    response.end()
  }

  #statusOf(proxy: GatewayProxy): object {
    const { name, namespace } = proxy.container.pod.metadata
    const types = XDS_TYPES.flatMap((type) => [
      [`${type}_sent`, proxy.sent.get(type)],
      [`${type}_acked`, proxy.acknowledged.get(type)],
    ])
    return {
      cluster_id: 'Kubernetes',
      proxy: `${name}.${namespace}`,
      proxy_type: 'router',
      istio_version: this.version,
      ...Object.fromEntries(types),
    }
  }
}
