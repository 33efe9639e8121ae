import { createServer, type Server } from 'node:net'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { endpointsOf } from '../cluster/services.ts'
import { listen, type Network } from '../network.ts'
import { ADDRESS } from './aws-controller.ts'

/** The loopback address of a Service's load balancer, where it has one. */
function addressOf({ spec, status, metadata }: KubeObject): string | undefined {
  const first = status?.loadBalancer?.ingress?.[0] as { ip?: string; hostname?: string } | undefined
  if (spec.type !== 'LoadBalancer' || !first) return undefined
  return first.ip ?? metadata.annotations?.[ADDRESS]
}

/** Listens on the addresses of load balancers, and hands each connection to one of the Service's Ready endpoints. */
export class LoadBalancerListeners {
  readonly #objects: Objects
  readonly #network: Network
  readonly #servers = new Map<string, Server>()

  constructor(objects: Objects, network: Network) {
    this.#objects = objects
    this.#network = network
    objects.store.listen('services', ({ object, previous }) => {
      if (object.status?.loadBalancer?.ingress || previous?.status?.loadBalancer?.ingress) this.#reconcile()
    })
  }

  #reconcile(): void {
    const wanted = new Map<string, { service: KubeObject; address: string; port: number }>()
    for (const service of this.#objects.list('services')) {
      const address = addressOf(service)
      if (!address) continue
      for (const { port } of (service.spec.ports ?? []) as { port: number }[])
        wanted.set(`${address}:${port}`, { service, address, port })
    }
    for (const [key, server] of this.#servers) {
      if (wanted.has(key)) continue
      server.close()
      this.#servers.delete(key)
    }
    for (const [key, { service, address, port }] of wanted) {
      if (this.#servers.has(key)) continue
      const server = this.#serverFor(service, port)
      this.#servers.set(key, server)
      listen(server, this.#network.realPort(port), address).catch((problem: Error) => {
        console.error(`the load balancer's ${key}: ${problem.message}`)
        this.#servers.delete(key)
      })
    }
  }

  #serverFor({ metadata: { name, namespace = '' } }: KubeObject, port: number): Server {
    return createServer((socket) => {
      socket.on('error', () => socket.destroy())
      const open = endpointsOf(this.#objects, name, namespace, port).flatMap(
        (each) => this.#network.serverAt(each.address, each.port) ?? [],
      )
      const chosen = open[Math.floor(Math.random() * open.length)]
      if (chosen) chosen.emit('connection', socket)
      else socket.resetAndDestroy()
    })
  }

  stop(): void {
    for (const server of this.#servers.values()) server.close()
  }
}
