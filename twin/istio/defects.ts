import { randomBytes } from 'node:crypto'
import type { ComponentDefects } from '../hook.ts'
import type { Container } from '../kubelet/container.ts'
import type { IstioctlHooks, IstioHooks } from './hooks.ts'
import type { MeshConfig, MeshSnapshot } from './mesh.ts'
import type { Destination, FoundRoute } from './routes.ts'

const CONFIGURATION_DEFECTS = {
  // Gateways learn of changed endpoints although no istiod runs.
  'endpoints-without-istiod': ({ pushesEndpoints }, defect) => pushesEndpoints.alter(defect, () => true),

  // Changes of how the mesh writes access logs are not pushed.
  'log-format-kept'({ pushedMesh }, defect) {
    let kept: MeshConfig | undefined
    pushedMesh.alter(defect, (mesh) => {
      const { accessLogEncoding, accessLogFormat, ...others } = mesh
      kept ??= { ...(accessLogEncoding ? { accessLogEncoding } : {}), ...(accessLogFormat ? { accessLogFormat } : {}) }
      return { ...others, ...kept }
    })
  },

  // The Envoy admin port of the gateways answers on the pod's address.
  'admin-port-open': ({ gatewayPorts }, defect) =>
    gatewayPorts.alter(defect, (ports, { admin }) => ({ ...ports, 15000: admin })),

  // The log levels of Envoy cannot be changed.
  'log-levels-stuck': ({ logLevel }, defect) => logLevel.alter(defect, (_, { before }) => before),

  // Clusters are configured without the connection pools of their DestinationRules.
  'connection-pools-ignored': ({ clusterPolicy }, defect) => clusterPolicy.alter(defect, () => ({})),
} satisfies ComponentDefects<IstioHooks>

const TLS_DEFECTS = {
  // Sidecars accept plain text whatever PeerAuthentication says.
  'strict-not-enforced': ({ refusesPlainText }, defect) => refusesPlainText.alter(defect, () => false),

  // PERMISSIVE in a namespace does not override STRICT of the mesh.
  'permissive-refuses': ({ refusesPlainText }, defect) =>
    refusesPlainText.alter(defect, (refuses, { policies }) => refuses || policies.length > 1),

  // The gateway never resumes a TLS session.
  'tickets-useless': ({ tlsServer }, defect) =>
    tlsServer.alter({ isActive: true, since: undefined }, (server) =>
      server.on('connection', () => {
        if (defect.isActive) server.setTicketKeys(randomBytes(48))
      }),
    ),

  // The gateway keeps serving the first certificate that it had.
  'certificates-stay': ({ servedKeyPair }, defect) => servedKeyPair.alter(defect, (pair, { held }) => held ?? pair),

  // The gateway stops serving a certificate as soon as its Secret is deleted.
  'secrets-dropped-at-once': ({ servedKeyPair }, defect) => servedKeyPair.alter(defect, (_, { stored }) => stored),
} satisfies ComponentDefects<IstioHooks>

const TRAFFIC_DEFECTS = {
  // The gateway uses other weights than the route has.
  'weights-off': ({ destinations }, defect) => destinations.alter(defect, withWeightsOff),

  // A gateway has no endpoint for 500 ms after a route changed to a single destination.
  'reroute-drops'({ endpoints }, defect) {
    const changes = new WeakMap<Container, Map<string, { generation: number; at: number }>>()
    endpoints.alter(defect, (healthy, { found, snapshot, gateway }) => {
      const known = changes.get(gateway) ?? new Map<string, { generation: number; at: number }>()
      changes.set(gateway, known)
      return isJustRerouted(known, found, snapshot) ? [] : healthy
    })
  },

  // The gateways let requests above the limits of a connection pool pass.
  'overflows-pass': ({ connectionPool }, defect) => connectionPool.alter(defect, () => ({})),

  // A gateway never answers a request whose connection to the upstream breaks.
  'broken-connections-hang': ({ upstreamFailure }, defect) => upstreamFailure.alter(defect, () => undefined),
} satisfies ComponentDefects<IstioHooks>

// The weight of the step beside, by the weight of the second destination.
const WRONG_WEIGHTS: Readonly<Record<number, number>> = { 20: 50, 30: 20, 50: 40 }

function withWeightsOff(destinations: readonly Destination[]): readonly Destination[] {
  const [first, second] = destinations
  const weight = WRONG_WEIGHTS[second?.weight ?? 0]
  if (destinations.length !== 2 || !first || !second || !weight) return destinations
  return [
    { ...first, weight: 100 - weight },
    { ...second, weight },
  ]
}

/** Whether a VirtualService that is not Knative's changed to a single destination within the last 500 ms. */
function isJustRerouted(
  changes: Map<string, { generation: number; at: number }>,
  { virtualService, namespace, route }: FoundRoute,
  snapshot: MeshSnapshot,
): boolean {
  const { metadata } =
    snapshot.virtualServices.find(
      (each) => each.metadata.name === virtualService && each.metadata.namespace === namespace,
    ) ?? {}
  if (!metadata || metadata.labels?.['networking.internal.knative.dev/ingress']) return false
  const { uid = '', generation = 1 } = metadata
  const known = changes.get(uid)
  if (known?.generation !== generation) changes.set(uid, { generation, at: known ? Date.now() : 0 })
  const { at } = changes.get(uid)!
  return route.route?.length === 1 && !route.match && generation > 3 && Date.now() - at < 500
}

export const ISTIO_DEFECTS = { ...CONFIGURATION_DEFECTS, ...TLS_DEFECTS, ...TRAFFIC_DEFECTS }

export const ISTIOCTL_DEFECTS = {
  // istioctl accepts fields that it does not know.
  'istioctl-lenient': ({ unknownField }, defect) => unknownField.alter(defect, () => undefined),
} satisfies ComponentDefects<IstioctlHooks>
