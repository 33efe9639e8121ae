import { Controller } from '../api/controller.ts'
import { isReadyPod, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { endpointsOf } from '../cluster/services.ts'
import { tellEvent } from '../cluster/events.ts'

const STATUSES = 'servicel2statuses.metallb.io'
const ADVERTISEMENTS = 'l2advertisements.metallb.io'
const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers'

/**
 * MetalLB's speakers in layer 2 mode: one node announces the address of each Service. With externalTrafficPolicy Local
 * it is one with a Ready pod of it, and only the pods there get traffic.
 */
export class Speakers {
  readonly #objects: Objects
  /** The node that announces a Service, by NAMESPACE/NAME. */
  readonly #announcers = new Map<string, string>()

  constructor(objects: Objects) {
    this.#objects = objects
    const services = new Controller('metallb-speaker', (name, namespace) => this.#reconcile(name, namespace))
    services.watch(objects, 'services').watch(objects, 'endpoints')
    for (const resource of ['nodes', ADVERTISEMENTS])
      objects.store.listen(resource, () => {
        for (const { metadata, status } of objects.list('services'))
          if (status?.loadBalancer?.ingress) services.enqueue(metadata.name, metadata.namespace)
      })
  }

  /** The node whose pods get a Service's traffic; undefined where it goes to every pod. */
  onlyNodeOf({ metadata: { name, namespace }, spec }: KubeObject): string | undefined {
    return spec.externalTrafficPolicy === 'Local' ? this.#announcers.get(`${namespace}/${name}`) : undefined
  }

  #reconcile(name: string, namespace = ''): void {
    const service = this.#objects.get('services', name, namespace)
    const key = `${namespace}/${name}`
    const nodes = service?.status?.loadBalancer?.ingress?.[0]?.ip ? this.#candidates(service) : []
    const before = this.#announcers.get(key)
    const node = before !== undefined && nodes.includes(before) ? before : nodes[0]
    if (node === before) return
    if (!service || node === undefined) {
      this.#announcers.delete(key)
      return void this.#objects.finish(STATUSES, statusName(name, namespace), this.#objects.layout.balancer.namespace)
    }
    this.#announcers.set(key, node)
    const message = `announcing from node "${node}" with protocol "layer2"`
    tellEvent(this.#objects, service, 'nodeAssigned', message, 'Normal', 'metallb-speaker')
    this.#writeStatus(service, node)
  }

  /** The nodes that could announce a Service, in order: those with a speaker, and with a pod where it is Local. */
  #candidates(service: KubeObject): string[] {
    if (!this.#isAdvertised(service)) return []
    const { name, namespace = '' } = service.metadata
    const { spec } = service
    const { speaker, namespace: home } = this.#objects.layout.balancer
    const speaking = new Set(
      this.#objects
        .list('pods', home)
        .filter((pod) => isReadyPod(pod) && pod.metadata.ownerReferences?.some((owner) => owner.name === speaker))
        .map((pod) => pod.spec.nodeName as string),
    )
    const [{ port = 0 } = {}] = (spec.ports ?? []) as { port?: number }[]
    const serving = new Set(endpointsOf(this.#objects, name, namespace, port).map(({ pod }) => pod?.spec.nodeName))
    return this.#objects
      .list('nodes')
      .filter(({ metadata }) => !(EXCLUDED in (metadata.labels ?? {})) && !isControlPlane(metadata.labels))
      .map(({ metadata }) => metadata.name)
      .filter((node) => speaking.has(node) && (spec.externalTrafficPolicy !== 'Local' || serving.has(node)))
  }

  #isAdvertised({ metadata: { annotations } }: KubeObject): boolean {
    const pool = annotations?.['metallb.io/ip-allocated-from-pool']
    return this.#objects
      .list(ADVERTISEMENTS)
      .map(({ spec }) => (spec?.ipAddressPools ?? []) as string[])
      .some((pools) => pools.length === 0 || pools.includes(pool ?? ''))
  }

  #writeStatus({ metadata: { name, namespace = '' } }: KubeObject, node: string): void {
    const home = this.#objects.layout.balancer.namespace
    const labels = {
      'metallb.io/service-name': name,
      'metallb.io/service-namespace': namespace,
      'metallb.io/node': node,
    }
    const status = this.#objects.ensure(STATUSES, {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'ServiceL2Status',
      metadata: { name: statusName(name, namespace), namespace: home, labels },
    })
    this.#objects.change(
      STATUSES,
      status.metadata.name,
      home,
      (draft) => void (draft.status = { node, serviceName: name, serviceNamespace: namespace, interfaces: [] }),
      'status',
    )
  }
}

const statusName = (name: string, namespace: string): string => `l2-${namespace}-${name}`

const isControlPlane = (labels: KubeObject['metadata']['labels']): boolean =>
  'node-role.kubernetes.io/control-plane' in (labels ?? {})
