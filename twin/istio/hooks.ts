import type { Http2SecureServer } from 'node:http2'
import type { RequestListener } from 'node:http'
import type { KubeObject } from '../api/object.ts'
import type { Endpoint } from '../cluster/services.ts'
import { Hook } from '../hook.ts'
import type { Container } from '../kubelet/container.ts'
import type { TrafficPolicy } from './clusters.ts'
import type { MeshConfig, MeshSnapshot } from './mesh.ts'
import type { Destination, FoundRoute } from './routes.ts'

/** A certificate and its key, PEM. */
export interface KeyPair {
  cert: string
  key: string
}

/** An answer of the proxy itself. */
export interface LocalReply {
  code: number
  body: string
  flags: string
  details: string
}

/** The hooks of Istio: istiod and the proxies. */
export class IstioHooks {
  // istiod.

  /** Whether gateways learn of changed endpoints. */
  readonly pushesEndpoints = new Hook<boolean>()
  /** The mesh configuration that is pushed. */
  readonly pushedMesh = new Hook<MeshConfig>()
  /** What a gateway's pod serves by port besides its listeners. */
  readonly gatewayPorts = new Hook<Record<number, RequestListener>, { admin: RequestListener }>()

  // Every proxy's Envoy.

  /** The level that a logger is set to; `before` is the one that it has. */
  readonly logLevel = new Hook<string, { before: string }>()
  /** The traffic policy by which a cluster is configured. */
  readonly clusterPolicy = new Hook<TrafficPolicy>()

  // Sidecars.

  /** Whether plain text is refused; `policies` are the PeerAuthentications that concern the pod. */
  readonly refusesPlainText = new Hook<boolean, { policies: readonly KubeObject[] }>()

  // Gateways.

  readonly tlsServer = new Hook<Http2SecureServer>()
  /** The certificate that is served; `held` is the one served before, `stored` the one in the Secret. */
  readonly servedKeyPair = new Hook<KeyPair | undefined, { held: KeyPair | undefined; stored: KeyPair | undefined }>()
  /** The destinations of a route, of which one is chosen by weight. */
  readonly destinations = new Hook<readonly Destination[]>()
  /** The endpoints that a request may go to. */
  readonly endpoints = new Hook<
    Endpoint[] | undefined,
    { found: FoundRoute; snapshot: MeshSnapshot; gateway: Container }
  >()
  /** The traffic policy by which a request waits for a connection or is refused. */
  readonly connectionPool = new Hook<TrafficPolicy>()
  /** The answer to a request whose upstream failed; undefined for no answer at all. */
  readonly upstreamFailure = new Hook<LocalReply | undefined>()
}

/** The hooks of istioctl, which is a process of its own. */
export class IstioctlHooks {
  /** The first field of an IstioOperator that istioctl does not know, as it reports it. */
  readonly unknownField = new Hook<string | undefined>()
}
