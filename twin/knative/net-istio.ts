import { createHash } from 'node:crypto'
import { ownerReference, withConditions, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import type { Controller } from '../api/controller.ts'
import type { Network } from '../network.ts'
import type { KnativeHooks } from './hooks.ts'
import { knativeGateways, type KnativeGateway } from './gateways.ts'
import { localDomain } from './hosts.ts'
import { ensureIngressGateways } from './ingress-gateway.ts'
import { probeIngress } from './ingress-probes.ts'
import { INGRESSES } from './kinds.ts'

const VIRTUAL_SERVICES = 'virtualservices.networking.istio.io'
const ISTIO_CLASS = 'istio.ingress.networking.knative.dev'

interface Rule {
  hosts: string[]
  visibility: 'ClusterLocal' | 'ExternalIP'
  http: {
    paths: {
      headers?: Record<string, { exact: string }>
      splits: {
        serviceName: string
        serviceNamespace: string
        servicePort: number
        percent: number
        appendHeaders: Record<string, string>
      }[]
    }[]
  }
}

/**
 * Makes VirtualServices of the Ingresses of its class. An Ingress is Ready once every gateway pod has answered its
 * probe.
 */
export class NetIstio {
  readonly #objects: Objects
  readonly #network: Network
  readonly #hooks: KnativeHooks
  readonly #probed = new Map<string, string>()

  constructor(objects: Objects, network: Network, hooks: KnativeHooks) {
    this.#objects = objects
    this.#network = network
    this.#hooks = hooks
  }

  async reconcile(name: string, namespace: string | undefined, controller: Controller): Promise<void> {
    const ingress = this.#objects.get(INGRESSES, name, namespace)
    if (!ingress || ingress.metadata.annotations?.['networking.knative.dev/ingress.class'] !== ISTIO_CLASS) return
    if (ingress.metadata.deletionTimestamp) {
      this.#objects.update(INGRESSES, { ...ingress, metadata: { ...ingress.metadata, finalizers: [] } })
      return
    }
    const { labels } = ingress.metadata
    const [external, local] = (['external', 'local'] as const).map((kind) =>
      knativeGateways(this.#objects, kind, labels),
    ) as [KnativeGateway[], KnativeGateway[]]
    const hash = createHash('sha256').update(JSON.stringify(ingress.spec)).digest('hex')
    const delayMs = this.#hooks.ingressDelayMs.apply(0, { ingress, objects: this.#objects })
    if (delayMs > 0) return controller.enqueue(name, namespace, delayMs)
    this.#ensureVirtualServices(ingress, external, local, hash)
    const key = `${ingress.metadata.uid}/${hash}`
    const missing =
      this.#probed.get(ingress.metadata.uid ?? '') === key
        ? undefined
        : await probeIngress(this.#objects, this.#network, ingress, hash)
    if (!missing) this.#probed.set(ingress.metadata.uid ?? '', key)
    else controller.enqueue(name, namespace, 60)
    this.#writeStatus(ingress, missing, external, local)
  }

  #ensureVirtualServices(
    ingress: KubeObject,
    external: readonly KnativeGateway[],
    local: readonly KnativeGateway[],
    hash: string,
  ): void {
    const rules = ingress.spec.rules as Rule[]
    const own = ensureIngressGateways(this.#objects, ingress, external)
    const names = (gateways: readonly KnativeGateway[]) => gateways.map((each) => `${each.namespace}/${each.name}`)
    const outer = own.length ? own : names(external)
    const ofRule = (rule: Rule) => (rule.visibility === 'ExternalIP' ? outer : names(local))
    const localRules = rules.filter(({ visibility }) => visibility === 'ClusterLocal')
    // One that is cluster-local alone is on no external gateway.
    const outside = rules.some(({ visibility }) => visibility === 'ExternalIP') ? outer : []
    this.#ensureOne(ingress, 'ingress', [...outside, ...names(local)], rules, ofRule, hash)
    this.#ensureOne(ingress, 'mesh', ['mesh'], localRules, () => ['mesh'], hash)
  }

  #ensureOne(
    ingress: KubeObject,
    suffix: string,
    gateways: string[],
    rules: readonly Rule[],
    gatewaysOf: (rule: Rule) => string[],
    hash: string,
  ): void {
    const { name, namespace, labels = {}, annotations = {} } = ingress.metadata
    this.#objects.ensure(VIRTUAL_SERVICES, {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: {
        name: `${name}-${suffix}`,
        ...(namespace ? { namespace } : {}),
        labels: {
          'networking.internal.knative.dev/ingress': name,
          'serving.knative.dev/route': labels['serving.knative.dev/route'] ?? '',
          'serving.knative.dev/routeNamespace': labels['serving.knative.dev/routeNamespace'] ?? '',
        },
        annotations,
        ownerReferences: [ownerReference(ingress)],
      },
      spec: {
        gateways,
        hosts: rules.flatMap((rule) => rule.hosts).toSorted(),
        http: rules
          .filter((rule) => gatewaysOf(rule).length)
          .flatMap((rule) => this.#routesOf(ingress, rule, gatewaysOf(rule), hash)),
      },
    })
  }

  /** Each path twice: for the probe, whose answer carries the hash, and for everybody. */
  #routesOf(ingress: KubeObject, rule: Rule, gateways: string[], hash: string): object[] {
    const policy = this.#hooks.routePolicy.apply({ retries: {} }, ingress)
    const shortest = rule.hosts.toSorted((a, b) => a.length - b.length)[0]
    return rule.http.paths.flatMap(({ splits, headers = {} }) => {
      const match = { authority: { prefix: shortest }, gateways }
      const route = splits.map((split) => ({
        destination: {
          host: `${split.serviceName}.${split.serviceNamespace}.${localDomain(this.#objects)}`,
          port: { number: split.servicePort },
        },
        headers: { request: { set: split.appendHeaders } },
        weight: split.percent,
      }))
      return [
        {
          headers: { request: { set: { 'K-Network-Hash': hash } } },
          match: [{ ...match, headers: { ...headers, 'K-Network-Hash': { exact: 'override' } } }],
          ...policy,
          route,
        },
        { match: [{ ...match, ...(Object.keys(headers).length ? { headers } : {}) }], ...policy, route },
      ]
    })
  }

  #writeStatus(
    ingress: KubeObject,
    missing: string | undefined,
    external: readonly KnativeGateway[],
    local: readonly KnativeGateway[],
  ): void {
    const { name, namespace, generation } = ingress.metadata
    const lb = (gateways: readonly KnativeGateway[]) => ({
      ingress: gateways.map(({ service }) => ({ domainInternal: service })),
    })
    const status = missing
      ? ({ status: 'Unknown', reason: 'Uninitialized', message: 'Waiting for load balancer to be ready' } as const)
      : ({ status: 'True' } as const)
    this.#objects.change(
      INGRESSES,
      name,
      namespace,
      (draft) => {
        draft.status = {
          observedGeneration: generation,
          publicLoadBalancer: lb(external),
          privateLoadBalancer: lb(local),
          conditions: withConditions(
            draft.status?.conditions,
            { type: 'NetworkConfigured', status: 'True' },
            { type: 'LoadBalancerReady', ...status },
            { type: 'Ready', ...status },
          ),
        }
      },
      'status',
    )
  }
}
