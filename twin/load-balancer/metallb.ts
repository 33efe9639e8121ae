import type { Access } from '../api/access.ts'
import { Controller } from '../api/controller.ts'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { Component } from '../cluster/component.ts'
import { tellEvent } from '../cluster/events.ts'
import type { Image } from '../kubelet/container.ts'

const POOLS = 'ipaddresspools.metallb.io'
const FROM_POOL = 'metallb.io/ip-allocated-from-pool'

/** MetalLB's controller: gives Services of type LoadBalancer an address of a pool. */
export class MetalLb {
  readonly component = new Component()
  readonly #objects: Objects
  readonly #access: Access
  readonly #account: { name: string; groups: string[] }

  constructor(objects: Objects, access: Access) {
    this.#objects = objects
    this.#access = access
    const { namespace: home, controller } = objects.layout.balancer
    this.#account = {
      name: `system:serviceaccount:${home}:${controller}`,
      groups: ['system:serviceaccounts', 'system:authenticated'],
    }
    const services: Controller = new Controller('metallb', (name, namespace) => {
      if (!this.component.isUp) return services.enqueue(name, namespace, 300)
      this.#reconcile(name, namespace)
    })
    services.watch(objects, 'services')
    const all = () => {
      for (const { metadata } of objects.list('services')) services.enqueue(metadata.name, metadata.namespace)
    }
    objects.store.listen(POOLS, all)
    // When the pod before it has ended too: what a new controller finds stands in its own log.
    this.component.onChange(all)
  }

  get image(): Image {
    const start = this.component.image()
    return async (container) => {
      container.log.write(this.#line({ msg: 'MetalLB controller starting', level: 'info' }))
      return (await start(container)) ?? {}
    }
  }

  #line(fields: Record<string, string>): string {
    return JSON.stringify({
      caller: 'service_controller.go:115',
      controller: 'ServiceReconciler',
      ...fields,
      ts: new Date().toISOString(),
    })
  }

  #reconcile(name: string, namespace: string | undefined): void {
    const service = this.#objects.get('services', name, namespace)
    const key = `${namespace ?? ''}/${name}`
    if (!service) return
    this.component.log(this.#line({ level: 'info', 'start reconcile': key }))
    const allocated = service.spec.type === 'LoadBalancer' ? this.#addressFor(service) : undefined
    const wanted = allocated?.address
    const current = service.status?.loadBalancer?.ingress?.[0]?.ip as string | undefined
    if (service.spec.type === 'LoadBalancer' && !wanted) {
      tellEvent(
        this.#objects,
        service,
        'AllocationFailed',
        `Failed to allocate IP for "${key}": no available IPs`,
        'Warning',
        'metallb-controller',
      )
      this.component.log(
        this.#line({
          level: 'error',
          op: 'allocateIPs',
          error: 'no available IPs',
          msg: `failed to handle service ${key}`,
        }),
      )
    }
    if (wanted !== current) {
      const what = { verb: 'update', group: '', resource: 'services/status', namespace, name }
      if (!this.#access.allows(this.#account, what)) {
        const error =
          `services "${name}" is forbidden: User "${this.#account.name}" cannot update resource "services/status" ` +
          `in API group "" in the namespace "${namespace}"`
        this.component.log(
          this.#line({
            level: 'error',
            op: 'updateServiceStatus',
            error,
            msg: `failed to handle service ${key}`,
          }),
        )
        return
      }
      this.#objects.change('services', name, namespace, (draft) => {
        const { [FROM_POOL]: _, ...others } = draft.metadata.annotations ?? {}
        draft.metadata.annotations = { ...others, ...(allocated ? { [FROM_POOL]: allocated.pool } : {}) }
      })
      this.#objects.change(
        'services',
        name,
        namespace,
        (draft) => void (draft.status = { loadBalancer: wanted ? { ingress: [{ ip: wanted, ipMode: 'VIP' }] } : {} }),
        'status',
      )
      if (wanted)
        tellEvent(this.#objects, service, 'IPAllocated', `Assigned IP ["${wanted}"]`, 'Normal', 'metallb-controller')
    }
    this.component.log(this.#line({ level: 'info', 'end reconcile': key }))
  }

  /** The address that a Service has, where its pool still allows it, else the first free one. */
  #addressFor(service: KubeObject): { address: string; pool: string } | undefined {
    const asked =
      service.metadata.annotations?.['metallb.io/address-pool'] ??
      service.metadata.annotations?.['metallb.universe.tf/address-pool']
    const pools = this.#objects
      .list(POOLS)
      .filter((pool) => (asked ? pool.metadata.name === asked : pool.spec?.autoAssign !== false))
    const addresses = pools.flatMap((pool) =>
      ((pool.spec?.addresses ?? []) as string[])
        .flatMap(addressesOf)
        .map((address) => ({ address, pool: pool.metadata.name })),
    )
    const taken = new Set(
      this.#objects
        .list('services')
        .filter((each) => each.metadata.uid !== service.metadata.uid)
        .map((each) => each.status?.loadBalancer?.ingress?.[0]?.ip as string | undefined),
    )
    const current = service.status?.loadBalancer?.ingress?.[0]?.ip as string | undefined
    return addresses.find(({ address }) => address === current) ?? addresses.find(({ address }) => !taken.has(address))
  }
}

/** The addresses of '127.20.200.200-127.20.200.250'. */
function addressesOf(range: string): string[] {
  const [first = '', last = first] = range.split('-')
  const base = first.slice(0, first.lastIndexOf('.'))
  const [from, to] = [first, last].map((address) => Number(address.split('.')[3]))
  return Array.from({ length: Math.max(0, (to ?? 0) - (from ?? 0) + 1) }, (_, at) => `${base}.${(from ?? 0) + at}`)
}
