import { createHash } from 'node:crypto'
import { Controller } from '../api/controller.ts'
import type { KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { requestedAttributes, requestedScheme } from './annotations.ts'
import { REGION } from '../aws/place.ts'
import { Component } from '../cluster/component.ts'
import { tellEvent } from '../cluster/events.ts'
import type { Image } from '../kubelet/container.ts'

const ANNOTATION = 'service.beta.kubernetes.io/aws-load-balancer-'

/** The annotation with the loopback addresses of an NLB of the twin, by zone: 'zone-a=127.20.200.200,...'. */
export const ADDRESSES = 'twin.plumbline.dev/addresses'

/** The AWS Load Balancer Controller: gives Services that are its own an NLB's hostname, and logs as v3.5.0 does. */
export class AwsLoadBalancerController {
  readonly #component = new Component()
  readonly #objects: Objects
  readonly #addresses: string
  /** The attributes that each Service's load balancer has got: one that is no longer asked for stays as it is. */
  readonly applied = new Map<string, Record<string, string>>()

  constructor(objects: Objects, addresses: string) {
    this.#objects = objects
    this.#addresses = addresses
    const services: Controller = new Controller('aws-load-balancer-controller', (name, namespace) =>
      this.#component.isUp ? this.#reconcile(name, namespace) : services.enqueue(name, namespace, 300),
    )
    services.watch(objects, 'services')
  }

  get image(): Image {
    return this.#component.image()
  }

  /** Why no model of its load balancer can be built: the twin's subnets are all for internal ones. */
  #build(service: KubeObject): string | undefined {
    return requestedScheme(service) === 'internet-facing'
      ? 'unable to resolve at least one subnet. Evaluated 0 subnets: 0 are tagged for other clusters, ' +
          'and 0 have insufficient available IP addresses'
      : undefined
  }

  #log(msg: string, more: object): void {
    this.#component.log(
      JSON.stringify({ level: 'info', ts: new Date().toISOString(), logger: 'controllers.service', msg, ...more }),
    )
  }

  #reconcile(name: string, namespace: string | undefined): void {
    const service = this.#objects.get('services', name, namespace)
    if (!service || service.spec.type !== 'LoadBalancer' || !isIts(service)) return
    const key = `${namespace ?? ''}/${name}`
    const problem = this.#build(service)
    if (problem) {
      this.#log('Reconciler error', { namespace, name, error: problem })
      return tellEvent(
        this.#objects,
        service,
        'FailedBuildModel',
        `Failed build model due to ${problem}`,
        'Warning',
        'service',
      )
    }
    this.applied.set(key, { ...this.applied.get(key), ...requestedAttributes(service) })
    const hostname = hostnameOf(key)
    if (service.status?.loadBalancer?.ingress?.[0]?.hostname === hostname)
      return tellEvent(this.#objects, service, 'SuccessfullyReconciled', 'Successfully reconciled', 'Normal', 'service')
    this.#log('successfully built model', { model: '{}' })
    this.#objects.change('services', name, namespace, (draft) => {
      draft.metadata.annotations = { ...draft.metadata.annotations, [ADDRESSES]: this.#addresses }
      draft.metadata.finalizers = ['service.k8s.aws/resources']
    })
    this.#objects.change(
      'services',
      name,
      namespace,
      (draft) => void (draft.status = { loadBalancer: { ingress: [{ hostname }] } }),
      'status',
    )
    this.#log('created loadBalancer', { stackID: key })
    this.#log('successfully deployed model', { service: key })
    tellEvent(this.#objects, service, 'SuccessfullyReconciled', 'Successfully reconciled', 'Normal', 'service')
  }
}

/**
 * Whether the controller handles a Service: type 'external', 'nlb-ip', or its class; the cloud provider handles 'nlb'.
 */
const isIts = ({ spec, metadata }: KubeObject): boolean =>
  spec.loadBalancerClass === 'service.k8s.aws/nlb' ||
  ['external', 'nlb-ip'].includes(metadata.annotations?.[`${ANNOTATION}type`] ?? '')

/** k8s-NAMESPACE-NAME-HEX10-HEX16.elb.REGION.amazonaws.com, namespace and name cut to eight signs. */
function hostnameOf(key: string): string {
  const [namespace = '', name = ''] = key.split('/').map((part) => part.replace(/[^a-z0-9]/g, '').slice(0, 8))
  const hex = createHash('sha256').update(key).digest('hex')
  return `k8s-${namespace}-${name}-${hex.slice(0, 10)}-${hex.slice(10, 26)}.elb.${REGION}.amazonaws.com`
}
