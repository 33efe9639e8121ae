import type { RequestListener } from 'node:http'
import { isReadyPod } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { Component } from '../cluster/component.ts'
import http from 'node:http'
import type { Image } from '../kubelet/container.ts'
import { revised, type IstiodLayout } from '../stack/layout.ts'
import { agentLine } from './agent-line.ts'
import type { IstioHooks } from './hooks.ts'
import { introspection } from './introspection.ts'
import { SidecarProxy } from './sidecar-proxy.ts'
import { istiodWebhook } from './webhook.ts'
import { WorkloadIdentity } from './workload-identity.ts'
import type { Admission } from '../api/admission.ts'
import type { Authority } from '../certificates.ts'
import { meshConfigOf, meshInUse, PUSHED, readMesh } from './mesh.ts'
import { GatewayProxy, XDS_TYPES } from './proxy.ts'

const DEBOUNCE_MS = 50

/** What an istiod is made with. */
export interface IstiodContext {
  objects: Objects
  version: string
  hooks: IstioHooks
  authority: Authority
  admission: Admission
}

/** istiod: pushes the configuration to the proxies when it changes, while a pod of it runs. */
export class Istiod {
  readonly component = new Component()
  readonly version: string
  readonly layout: IstiodLayout
  readonly #objects: Objects
  readonly #hooks: IstioHooks
  readonly #proxies = new Set<GatewayProxy | SidecarProxy>()
  readonly #authority: Authority
  #pushes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(layout: IstiodLayout, { objects, version, hooks, authority, admission }: IstiodContext) {
    this.layout = layout
    this.#objects = objects
    this.#authority = authority
    this.version = layout.version || version
    this.#hooks = hooks
    for (const resource of PUSHED) objects.store.listen(resource, () => this.#pushSoon())
    admission.serve(
      `${layout.namespace}/${revised('istiod', layout)}`,
      istiodWebhook(this.version, layout, objects.layout.ambient),
    )
    objects.store.listen('namespaces', ({ object, type }) => {
      if (type !== 'DELETED' && !object.metadata.deletionTimestamp) this.#handRoot(object.metadata.name)
      // Which namespaces it knows is another matter where it chooses them by their labels.
      if (meshConfigOf(objects, layout).discoverySelectors?.length) this.#pushSoon()
    })
    this.component.onChange((container, up) => {
      if (up) for (const { metadata } of objects.list('namespaces')) this.#handRoot(metadata.name)
      if (up) container.serveLoopback(9876, introspection())
      // Proxies of an istiod that is gone, or that was none, come to this one.
      for (const proxy of this.#proxies) this.#tellConnection(proxy)
      if (up) container.log.write(this.#line('info', 'ads', 'All caches have been synced up, marking server ready'))
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
      const { name, namespace } = container.pod.metadata
      const isSidecar = ((container.spec.args ?? []) as string[]).includes('sidecar')
      const type = isSidecar ? 'sidecar' : 'router'
      container.log.write(
        this.#line('info', '', `Proxy role\tips=[${container.address}] type=${type} id=${name}.${namespace}`),
      )
      const identity = new WorkloadIdentity(container, this.#authority)
      await identity.start()
      const proxy = isSidecar
        ? new SidecarProxy(container, this.#objects, this.#hooks, identity)
        : new GatewayProxy(container, this.#objects, this.#hooks, identity, () =>
            this.#hooks.pushesEndpoints.apply(this.component.isUp),
          )
      await this.#serveHealth(proxy)
      this.#proxies.add(proxy)
      this.#tellConnection(proxy)
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

  async #serveHealth(proxy: GatewayProxy | SidecarProxy): Promise<void> {
    const { container } = proxy
    const ready: RequestListener = (request, response) => {
      response.statusCode = request.url === '/healthz/ready' && proxy.isReady ? 200 : 503
      response.end()
    }
    const healthy: Record<number, RequestListener> = { 15021: ready }
    const ports =
      proxy.type === 'sidecar' ? healthy : this.#hooks.gatewayPorts.apply(healthy, { admin: proxy.admin.answer })
    for (const [port, answer] of Object.entries(ports)) await container.listen(http.createServer(answer), Number(port))
  }

  #tellConnection({ container }: GatewayProxy | SidecarProxy): void {
    const { name, namespace } = container.pod.metadata
    const node = `${name}.${namespace}-${this.#proxies.size}`
    this.component.log(this.#line('info', 'delta', `ADS: new delta connection for node:${node}`))
  }

  /** Hands the mesh's root to a namespace. */
  #handRoot(namespace: string): void {
    if (!this.component.isUp || this.#objects.get('namespaces', namespace)?.metadata.deletionTimestamp) return
    if (!readMesh(this.#objects, this.layout).knows(namespace)) return
    this.#objects.ensure('configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio-ca-root-cert', namespace, labels: { 'istio.io/config': 'true' } },
      data: { 'root-cert.pem': this.#authority.cert },
    })
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
    const read = readMesh(this.#objects, this.layout)
    const snapshot = { ...read, mesh: this.#hooks.pushedMesh.apply(read.mesh) }
    const nonce = String(++this.#pushes)
    for (const proxy of this.#proxies) {
      const problem = proxy.accept(snapshot, nonce)
      const { name, namespace } = proxy.container.pod.metadata
      if (problem)
        this.component.log(
          this.#line(
            'warn',
            'delta',
            `ADS:LDS: ACK ERROR ${name}.${namespace}-1 Internal:Error adding/updating listener(s) ${problem}`,
          ),
        )
    }
    const counts = `Services:${snapshot.services.length} ConnectedEndpoints:${this.#proxies.size}`
    this.component.log(this.#line('info', 'ads', `XDS: Pushing ${counts} Version:${nonce}`))
  }

  #line(level: string, scope: string, message: string): string {
    return agentLine(this.layout.jsonLogs, level, scope, message)
  }

  readonly #answer: RequestListener = (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://istiod')
    if (pathname === '/version') return void response.end(`${this.version}-twin-Clean`)
    if (pathname === '/metrics')
      return void response.end(
        '# TYPE pilot_xds_pushes counter\n' +
          `pilot_xds_pushes{type="cds"} ${this.#pushes}\n` +
          `pilot_info{version="${this.version}"} 1\n`,
      )
    if (pathname === '/debug/syncz') {
      // A proxy is connected to one pod of istiod: by the order of their addresses.
      const pods = [...this.component.running].map(({ address }) => address).toSorted()
      const at = pods.indexOf(request.socket.localAddress ?? '')
      const all = [...[...this.#proxies].map((proxy) => this.#statusOf(proxy)), ...this.#ztunnels()]
      response.setHeader('content-type', 'application/json')
      return void response.end(JSON.stringify(all.filter((_, index) => at < 0 || index % pods.length === at)))
    }
    if (pathname === '/debug/mesh') {
      response.setHeader('content-type', 'application/json')
      return void response.end(JSON.stringify(meshInUse(readMesh(this.#objects, this.layout), this.layout)))
    }
    response.statusCode = 404
    response.end()
  }

  /** The ztunnels as istiod lists them: they subscribe to none of a sidecar's types. */
  #ztunnels(): object[] {
    if (this.layout !== this.#objects.layout.istiods[0]) return []
    return this.#objects
      .list('pods')
      .filter((pod) => pod.metadata.labels?.app === 'ztunnel' && isReadyPod(pod))
      .map(({ metadata: { name, namespace } }) => ({
        cluster_id: 'Kubernetes',
        proxy: `${name}.${namespace}`,
        proxy_type: 'ztunnel',
        istio_version: this.version,
      }))
  }

  #statusOf(proxy: GatewayProxy | SidecarProxy): object {
    const { name, namespace } = proxy.container.pod.metadata
    const types = XDS_TYPES.flatMap((type) => [
      [`${type}_sent`, proxy.sent.get(type)],
      [`${type}_acked`, proxy.acknowledged.get(type)],
    ])
    return {
      cluster_id: 'Kubernetes',
      proxy: `${name}.${namespace}`,
      proxy_type: proxy.type,
      istio_version: this.version,
      ...Object.fromEntries(types),
    }
  }
}
