import { createServer, type Server } from 'node:net'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { endpointsOf } from '../cluster/services.ts'
import { listen, type Network } from '../network.ts'
import { ADDRESSES } from './aws-controller.ts'
import type { Speakers } from './speakers.ts'

/** The loopback addresses of a Service's load balancer: MetalLB's one, or an NLB's in each zone. */
function addressesOf({ spec, status, metadata }: KubeObject): { address: string; zone?: string }[] {
  const first = status?.loadBalancer?.ingress?.[0] as { ip?: string; hostname?: string } | undefined
  if (spec.type !== 'LoadBalancer' || !first) return []
  if (first.ip) return [{ address: first.ip }]
  return (metadata.annotations?.[ADDRESSES] ?? '')
    .split(',')
    .filter(Boolean)
    .map((pair) => {
      const [zone = '', address = ''] = pair.split('=')
      return { address, zone }
    })
}

/** Listens on the addresses of load balancers, and hands each connection to one of the Service's Ready endpoints. */
export class LoadBalancerListeners {
  readonly #objects: Objects
  readonly #network: Network
  /** The attributes that NLBs have got, by NAMESPACE/NAME of their Services. */
  readonly #applied: ReadonlyMap<string, Record<string, string>>
  readonly #servers = new Map<string, Server>()
  readonly #speakers: Speakers

  constructor(
    objects: Objects,
    network: Network,
    applied: ReadonlyMap<string, Record<string, string>>,
    speakers: Speakers,
  ) {
    this.#speakers = speakers
    this.#applied = applied
    this.#objects = objects
    this.#network = network
    objects.store.listen('services', ({ object, previous }) => {
      const isForeign = objects.layout.balancer.maker === 'nobody'
      if (isForeign || object.status?.loadBalancer?.ingress || previous?.status?.loadBalancer?.ingress)
        this.#reconcile()
    })
  }

  #reconcile(): void {
    const wanted = new Map<string, { service: KubeObject; address: string; port: number; zone: string | undefined }>()
    for (const service of this.#objects.list('services')) {
      for (const { address, zone } of this.#addressesOf(service)) {
        for (const { port } of (service.spec.ports ?? []) as { port: number }[])
          wanted.set(`${address}:${port}`, { service, address, port, zone })
      }
    }
    for (const [key, server] of this.#servers) {
      if (wanted.has(key)) continue
      server.close()
      this.#servers.delete(key)
    }
    for (const [key, { service, address, port, zone }] of wanted) {
      if (this.#servers.has(key)) continue
      const server = this.#serverFor(service, port, zone)
      this.#servers.set(key, server)
      listen(server, this.#network.realPort(port), address).catch((problem: Error) => {
        console.error(`the load balancer's ${key}: ${problem.message}`)
        this.#servers.delete(key)
      })
    }
  }

  /** The addresses of a Service; nobody's load balancer leads to the first gateway, and no status tells of it. */
  #addressesOf(service: KubeObject): { address: string; zone?: string }[] {
    const { balancer, gateways } = this.#objects.layout
    const { name, namespace } = service.metadata
    const isForeign = balancer.maker === 'nobody' && gateways[0]?.name === name && gateways[0].namespace === namespace
    return isForeign ? [{ address: this.#network.balancerAddress(0) }] : addressesOf(service)
  }

  #serverFor({ metadata: { name, namespace = '' } }: KubeObject, port: number, zone: string | undefined): Server {
    return createServer((socket) => {
      socket.on('error', () => socket.destroy())
      // Without cross-zone load balancing an address of an NLB sends to its own zone alone.
      const own = zone !== undefined && !this.#isCrossZone(name, namespace) ? zone : undefined
      const service = this.#objects.get('services', name, namespace)
      const only = service && this.#speakers.onlyNodeOf(service)
      const all = endpointsOf(this.#objects, name, namespace, port).filter(
        ({ pod }) => only === undefined || pod?.spec.nodeName === only,
      )
      const open = all
        .filter(({ pod }) => own === undefined || this.#zoneOf(pod) === own)
        .flatMap((each) => this.#network.serverAt(each.address, each.port) ?? [])
      const chosen = open[Math.floor(Math.random() * open.length)]
      if (chosen) chosen.emit('connection', socket)
      else socket.resetAndDestroy()
    })
  }

  #zoneOf(pod: KubeObject | undefined): string | undefined {
    const node = this.#objects.get('nodes', String(pod?.spec.nodeName))
    return node?.metadata.labels?.['topology.kubernetes.io/zone']
  }

  #isCrossZone(name: string, namespace: string): boolean {
    return this.#applied.get(`${namespace}/${name}`)?.['load_balancing.cross_zone.enabled'] === 'true'
  }

  stop(): void {
    for (const server of this.#servers.values()) server.close()
  }
}
