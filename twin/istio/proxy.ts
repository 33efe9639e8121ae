import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import net, { type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, type SecureVersion } from 'node:tls'
import type { Objects } from '../api/objects.ts'
import type { Container } from '../kubelet/container.ts'
import { proxyLine } from './agent-line.ts'
import { EnvoyAdmin } from './envoy-admin.ts'
import { listenerProblem, type RejectedListener } from './envoy-filters.ts'
import { HttpForwarder } from './forwarder.ts'
import type { IstioHooks, KeyPair } from './hooks.ts'
import type { WorkloadIdentity } from './workload-identity.ts'
import { byMeaning, hostMatches, serversOf, type GatewayServer, type MeshSnapshot } from './mesh.ts'

/** The types of configuration that a proxy is sent, as istiod's /debug/syncz names them. */
export const XDS_TYPES = ['cluster', 'listener', 'route', 'endpoint'] as const
export type XdsType = (typeof XDS_TYPES)[number]

/** The Envoy of one gateway pod: a listener for each port of the Gateways' servers, and the routes behind it. */
export class GatewayProxy {
  readonly container: Container
  readonly #objects: Objects
  readonly #forwarder: HttpForwarder
  readonly #listeners = new Map<number, Server>()
  readonly sent = new Map<XdsType, string>()
  readonly acknowledged = new Map<XdsType, string>()
  readonly type = 'router'
  readonly #hooks: IstioHooks
  readonly admin: EnvoyAdmin
  readonly #identity: WorkloadIdentity
  /** The last certificate of each credentialName: it is served on while its Secret does not exist. */
  readonly #served = new Map<string, { pair: KeyPair; context: SecureContext }>()
  #snapshot: MeshSnapshot | undefined
  /** By port, what its listener was last accepted with. */
  readonly #accepted = new Map<number, MeshSnapshot>()
  #servers: GatewayServer[] = []

  /** `isUpToDate` says whether an istiod runs that pushes changes. */
  constructor(
    container: Container,
    objects: Objects,
    hooks: IstioHooks,
    identity: WorkloadIdentity,
    isUpToDate: () => boolean,
  ) {
    this.container = container
    this.#objects = objects
    this.#hooks = hooks
    this.#identity = identity
    const snapshot = () => this.#snapshot
    this.admin = new EnvoyAdmin({ pod: () => container.pod, objects, snapshot, hooks, identity })
    this.#forwarder = new HttpForwarder(container, objects, snapshot, identity, this.admin, hooks, isUpToDate)
    this.admin.sent = () => this.#forwarder.sent()
    container.serveLoopback(15000, http.createServer(this.admin.answer))
  }

  get isReady(): boolean {
    return this.#snapshot !== undefined
  }

  /**
   * Takes what istiod pushes. Returns why Envoy rejected listeners; those stay as they were and are not acknowledged.
   */
  accept(snapshot: MeshSnapshot, nonce: string): string | undefined {
    for (const type of XDS_TYPES) this.sent.set(type, nonce)
    const rejected = listenerProblem(snapshot, this.container.pod)
    const problem = rejected && `0.0.0.0_${rejected.port ?? 8080}: ${rejected.problem}`
    if (problem)
      this.container.log.write(
        proxyLine(
          this.container,
          'warning',
          'envoy config',
          'gRPC config for type.googleapis.com/envoy.config.listener.v3.Listener rejected: ' +
            `Error adding/updating listener(s) ${problem}`,
        ),
      )
    for (const type of XDS_TYPES) if (!(type === 'listener' && problem)) this.acknowledged.set(type, nonce)
    if (!this.#snapshot) this.container.log.write(proxyLine(this.container, 'info', '', 'Envoy proxy is ready'))
    this.#snapshot = snapshot
    this.#servers = serversOf(snapshot, this.container.pod)
    // What no server names any more is not followed any more.
    for (const credential of this.#served.keys())
      if (!this.#servers.some(({ tls }) => tls?.credentialName === credential)) this.#served.delete(credential)
    for (const { targetPort } of this.#servers)
      if (!isRejected(rejected, targetPort)) this.#accepted.set(targetPort, snapshot)
    this.#listen(rejected)
    return problem
  }

  close(): void {
    for (const server of this.#listeners.values()) server.close()
    this.#forwarder.close()
    this.#identity.stop()
  }

  /** Opens a listener for every port that a Gateway's server is on, and closes those that no server is on any more. */
  #listen(rejected: RejectedListener | undefined): void {
    const wanted = new Map(this.#servers.map((server) => [server.targetPort, server]))
    for (const [port, server] of this.#listeners) {
      if (wanted.has(port) || isRejected(rejected, port)) continue
      server.close()
      this.#listeners.delete(port)
    }
    for (const [
      port,
      {
        port: { protocol },
      },
    ] of wanted) {
      if (this.#listeners.has(port) || isRejected(rejected, port)) continue
      const server = protocol === 'HTTPS' ? this.#secureServer(port) : this.#plainServer(port)
      this.#listeners.set(port, server)
      this.container.listen(server, port).catch((problem: Error) => {
        this.container.log.write(
          proxyLine(this.container, 'error', 'envoy config', `cannot bind port ${port}: ${problem.message}`),
        )
        this.#listeners.delete(port)
      })
    }
  }

  /** HTTP/1.1, and HTTP/2 for who begins with its preface. */
  #plainServer(port: number): Server {
    const answer = this.#answer(port)
    const plain = http.createServer({ keepAliveTimeout: 60_000 }, answer)
    const multiplexed = http2.createServer(answer as never)
    return net.createServer((socket: Socket) => {
      socket.on('error', () => socket.destroy())
      socket.once('data', (first) => {
        socket.pause()
        socket.unshift(first)
        const server: Server = first.subarray(0, 3).toString() === 'PRI' ? multiplexed : plain
        server.emit('connection', socket)
        socket.resume()
      })
    })
  }

  #secureServer(port: number): Server {
    const server = http2.createSecureServer(
      {
        allowHTTP1: true,
        minVersion: this.#minimumVersion(port),
        SNICallback: (name, done) => {
          const context = this.#secureContext(port, name)
          done(context ? null : new Error(`no filter chain for ${name}`), context)
        },
      },
      this.#answer(port) as never,
    )
    server.on('tlsClientError', () => undefined)
    return this.#hooks.tlsServer.apply(server)
  }

  #minimumVersion(port: number): SecureVersion {
    const version = this.#servers.find((each) => each.targetPort === port)?.tls?.minProtocolVersion
    return version === 'TLSV1_3' ? 'TLSv1.3' : 'TLSv1.2'
  }

  /** The certificate of the server whose hosts mean an SNI name, from its secret beside the gateway's pod. */
  #secureContext(port: number, name: string): SecureContext | undefined {
    const best = ({ hosts }: GatewayServer) =>
      hosts
        .map((host) => host.replace(/^.*\//, ''))
        .filter((host) => hostMatches(host, name))
        .toSorted(byMeaning)[0]
    // Of several it is the one whose host means the most.
    const server = this.#servers
      .filter((each) => each.targetPort === port && each.tls?.credentialName && best(each) !== undefined)
      .toSorted((a, b) => byMeaning(best(a) ?? '', best(b) ?? ''))[0]
    const credential = server?.tls?.credentialName ?? ''
    const served = this.#served.get(credential)
    const [held, stored] = [served?.pair, this.#storedKeyPair(credential)]
    const pair = this.#hooks.servedKeyPair.apply(stored ?? held, { held, stored })
    if (!pair) return undefined
    if (served?.pair.cert === pair.cert) return served.context
    try {
      const context = createSecureContext({ ...pair })
      this.#served.set(credential, { pair, context })
      return context
    } catch {
      return undefined
    }
  }

  /** The certificate and key in the Secret of a credentialName, in either form that Istio reads. */
  #storedKeyPair(credential: string): KeyPair | undefined {
    const data = this.#objects.get('secrets', credential, this.container.pod.metadata.namespace)?.data as
      Record<string, string> | undefined
    const decode = (key: string) => Buffer.from(data?.[key] ?? '', 'base64').toString()
    const [cert, key] = [decode('tls.crt') || decode('cert'), decode('tls.key') || decode('key')]
    return cert && key ? { cert, key } : undefined
  }

  #answer(port: number): (request: IncomingMessage, response: ServerResponse) => void {
    return (request, response) =>
      void this.#forwarder.handle(
        request,
        response,
        port,
        this.#servers.filter((each) => each.targetPort === port),
        this.#accepted.get(port),
      )
  }
}

const isRejected = (rejected: RejectedListener | undefined, port: number): boolean =>
  rejected !== undefined && (rejected.port ?? port) === port
