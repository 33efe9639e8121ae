import http, {
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  type Server as HttpServer,
} from 'node:http'
import type { Server, Socket } from 'node:net'
import type { KubeObject } from '../api/object.ts'
import { listen, type Network } from '../network.ts'
import { ContainerLog } from './container-log.ts'

/** What runs in a container. `stop` is SIGTERM: it resolves when the program has ended. */
export interface Program {
  stop?: () => Promise<void> | void
}

/** What stands before a pod's ports and sends for its containers: the sidecar of a mesh. */
export interface Interception {
  /** Puts itself before a port that a container of the pod serves. */
  inbound(server: Server, port: number): Promise<void>
  /** Adds to a request what the proxy says of its sender. */
  mark(request: IncomingMessage): void
  /** Where a port is reached past it, from inside the pod. */
  localPort(port: number): number
  /** Sends a container's request to a pod. */
  request(
    target: KubeObject | undefined,
    options: RequestOptions,
    answered: (answer: IncomingMessage) => void,
  ): ClientRequest
}

/** Where a name of a Service leads. */
export type Resolve = (
  host: string,
  port: number,
) => { address: string; port: number; pod?: KubeObject | undefined } | undefined

/** Starts what an image holds. */
export type Image = (container: Container) => Program | Promise<Program> | void

/** One container of a running pod: what its program finds around itself. */
export class Container {
  readonly name: string
  readonly spec: KubeObject['spec']
  readonly log = new ContainerLog()
  readonly address: string
  readonly network: Network
  readonly #pod: () => KubeObject
  readonly #files: (path: string) => string | undefined
  readonly #loopback: Map<number, HttpServer>
  readonly #servers = new Set<Server>()
  readonly #onExit: (code: number) => void
  readonly #interception: { held?: Interception }
  readonly #resolve: Resolve
  readonly #admits: (address: string | undefined, port: number) => boolean
  #closed = false

  constructor(options: {
    spec: KubeObject['spec']
    address: string
    network: Network
    pod: () => KubeObject
    files: (path: string) => string | undefined
    loopback: Map<number, HttpServer>
    onExit: (code: number) => void
    /** The pod's own, which its sidecar fills in. */
    interception: { held?: Interception }
    resolve: Resolve
    /** Whether an address may connect to a port of the pod. */
    admits: (address: string | undefined, port: number) => boolean
  }) {
    this.spec = options.spec
    this.name = options.spec.name
    this.address = options.address
    this.network = options.network
    this.#pod = options.pod
    this.#files = options.files
    this.#loopback = options.loopback
    this.#onExit = options.onExit
    this.#interception = options.interception
    this.#resolve = options.resolve
    this.#admits = options.admits
  }

  /** The pod as it is now. */
  get pod(): KubeObject {
    return this.#pod()
  }

  /** The environment, fields of the pod filled in. */
  get env(): Record<string, string> {
    const fields: Record<string, string> = {
      'metadata.name': this.pod.metadata.name,
      'metadata.namespace': this.pod.metadata.namespace ?? '',
      'status.podIP': this.address,
    }
    const given = (this.spec.env ?? []) as {
      name: string
      value?: string
      valueFrom?: { fieldRef?: { fieldPath: string } }
    }[]
    return Object.fromEntries(
      given.map(({ name, value, valueFrom }) => [name, value ?? fields[valueFrom?.fieldRef?.fieldPath ?? ''] ?? '']),
    )
  }

  /** The text of a mounted file, or undefined. */
  readFile(path: string): string | undefined {
    return this.#files(path)
  }

  /** Has every port of the pod's other containers go through what is given, from now on. */
  intercept(interception: Interception): void {
    this.#interception.held = interception
  }

  /** Hears of a request that a server of the container has got, before its program does. */
  received(request: IncomingMessage): void {
    if (this.name !== 'istio-proxy') this.#interception.held?.mark(request)
  }

  /** The port by which another container of the pod reaches one of it. */
  localPort(port: number): number {
    return this.network.realPort(this.#interception.held?.localPort(port) ?? port)
  }

  /** Sends a request from the pod's address, to an address or to the name of a Service. */
  request(options: RequestOptions & { port: number }, answered: (answer: IncomingMessage) => void): ClientRequest {
    const to = this.#resolve(String(options.host), options.port)
    const full = {
      ...options,
      host: to?.address ?? options.host,
      port: this.network.realPort(to?.port ?? options.port),
      localAddress: this.address,
    }
    return this.#interception.held?.request(to?.pod, full, answered) ?? http.request(full, answered)
  }

  /** Listens on the pod's address, or behind what stands before it. */
  async listen(server: Server, port: number): Promise<void> {
    server.prependListener('connection', (socket: Socket) => {
      if (!this.#admits(socket.remoteAddress, port)) socket.destroy()
    })
    if (this.#interception.held && this.name !== 'istio-proxy') {
      await this.#interception.held.inbound(server, port)
      this.#servers.add(server)
      if (this.#closed) server.close()
      return
    }
    await listen(server, this.network.realPort(port), this.address)
    if (this.#closed) server.close()
    this.#servers.add(server)
    this.network.announce(server, this.address, port)
  }

  /** Serves a port on the pod's loopback alone: what only port forwarding, or the pod itself, reaches. */
  serveLoopback(port: number, server: HttpServer): void {
    this.#loopback.set(port, server)
  }

  /** Ends the container of its own accord. */
  exit(code: number): void {
    if (!this.#closed) this.#onExit(code)
  }

  /** Closes what it listens on, and every connection with that. */
  close(): void {
    this.#closed = true
    for (const server of this.#servers) {
      server.close()
      if ('closeAllConnections' in server) (server as HttpServer).closeAllConnections()
    }
  }
}
