import { createHash, X509Certificate } from 'node:crypto'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import net, { type Server, type Socket } from 'node:net'
import tls from 'node:tls'
import type { KubeObject } from '../api/object.ts'
import type { Container, Interception } from '../kubelet/container.ts'
import { listen } from '../network.ts'
import type { IstioHooks } from './hooks.ts'
import { hasSidecar } from './injection.ts'
import { concerns, type MeshSnapshot } from './mesh.ts'
import type { WorkloadIdentity } from './workload-identity.ts'

// Where the pod's own servers are behind the sidecar: what the kubelet, and others in the pod, reach past it.
const BEHIND = 20_000
const TLS_HANDSHAKE = 0x16

/** A sidecar: accepts mutual TLS or plain text to its pod's ports as the policies allow, and speaks TLS in the mesh. */
export class Sidecar implements Interception {
  readonly #container: Container
  readonly #identity: WorkloadIdentity
  readonly #snapshot: () => MeshSnapshot | undefined
  readonly #hooks: IstioHooks
  readonly #servers = new Set<Server>()

  constructor(
    container: Container,
    identity: WorkloadIdentity,
    snapshot: () => MeshSnapshot | undefined,
    hooks: IstioHooks,
  ) {
    this.#container = container
    this.#identity = identity
    this.#snapshot = snapshot
    this.#hooks = hooks
  }

  localPort(port: number): number {
    return this.#excludes(port) || isOwn(port) ? port : port + BEHIND
  }

  async inbound(server: Server, port: number): Promise<void> {
    const { network, address } = this.#container
    if (this.#excludes(port)) {
      await listen(server, network.realPort(port), address)
      return network.announce(server, address, port)
    }
    await listen(server, port + BEHIND, address)
    if (server instanceof http.Server) server.prependListener('request', (request) => this.mark(request))
    const before = net.createServer((socket) => this.#accept(socket, server, port))
    this.#servers.add(before)
    await listen(before, network.realPort(port), address)
    network.announce(before, address, port)
  }

  request(target: KubeObject | undefined, options: http.RequestOptions, answered: (answer: IncomingMessage) => void) {
    if (!hasSidecar(target)) return http.request(options, answered)
    const { cert, key } = this.#identity.pem
    return https.request({ ...options, cert, key, rejectUnauthorized: false, servername: '' }, answered)
  }

  /** Tells the workload who asks, as the proxy does. */
  mark(request: IncomingMessage): void {
    const peer = peers.get(request.socket)
    if (!peer) return
    const hash = createHash('sha256').update(peer.raw).digest('hex')
    const uri = peer.subjectAltName?.replace(/^URI:/, '') ?? ''
    request.headers['x-forwarded-client-cert'] = `By=${this.#identity.uri};Hash=${hash};Subject="";URI=${uri}`
  }

  close(): void {
    for (const server of this.#servers) server.close()
  }

  #excludes(port: number): boolean {
    const ports = this.#container.pod.metadata.annotations?.['traffic.sidecar.istio.io/excludeInboundPorts'] ?? ''
    return ports.split(',').map(Number).includes(port)
  }

  #accept(socket: Socket, server: Server, port: number): void {
    socket.on('error', () => socket.destroy())
    // What is read this way can be put back for a TLS socket: one that flows cannot.
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null
      if (!first) return socket.destroy()
      socket.unshift(first)
      if (first[0] === TLS_HANDSHAKE) return this.#secure(socket, server)
      if (this.#refusesPlainText(port)) return socket.resetAndDestroy()
      server.emit('connection', socket)
    })
  }

  #secure(socket: Socket, server: Server): void {
    const { cert, key } = this.#identity.pem
    const secured = new tls.TLSSocket(socket, {
      isServer: true,
      cert,
      key,
      requestCert: true,
      rejectUnauthorized: false,
    })
    secured.on('error', () => socket.destroy())
    secured.on('secure', () => {
      const peer = secured.getPeerX509Certificate()
      const root = new X509Certificate(this.#identity.authority.cert)
      if (!peer?.verify(root.publicKey)) return secured.destroy()
      peers.set(secured, peer)
      server.emit('connection', secured)
    })
  }

  /** Whether the policy of the workload, else of its namespace, else of the mesh refuses plain text to this pod. */
  #refusesPlainText(port: number): boolean {
    const { pod } = this.#container
    const snapshot = this.#snapshot()
    const policies = (snapshot?.peerAuthentications ?? []).filter((each) => snapshot && concerns(snapshot, each, pod))
    const rank = (each: KubeObject) =>
      (each.spec?.selector ? 2 : 0) + Number(each.metadata.namespace === pod.metadata.namespace)
    // Of two of the same rank the older one counts, and older ones come first; one that is unset inherits.
    const modes = policies.toSorted((a, b) => rank(b) - rank(a)).map(({ spec }) => modeOf(spec?.mtls))
    const [first] = policies.toSorted((a, b) => rank(b) - rank(a))
    const ofPort = modeOf(first?.spec?.selector ? first.spec?.portLevelMtls?.[port] : undefined)
    const isStrict = (ofPort ?? modes.find((mode) => mode !== undefined) ?? 'PERMISSIVE') === 'STRICT'
    return this.#hooks.refusesPlainText.apply(isStrict, { policies })
  }
}

/** Whether a port is one of the proxy itself. */
const isOwn = (port: number): boolean => port >= 15_000 && port < 15_100

/** The mode that a policy sets; undefined where it sets none. */
const modeOf = (mtls: { mode?: string } | undefined): string | undefined =>
  mtls?.mode === 'UNSET' ? undefined : mtls?.mode

const peers = new WeakMap<object, X509Certificate>()
