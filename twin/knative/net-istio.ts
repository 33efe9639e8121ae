import { createHash } from 'node:crypto'
import http from 'node:http'
import { parse } from 'yaml'
import { isReadyPod, ownerReference, withConditions, type KubeObject } from '../api/object.ts'
import type { Objects } from '../api/objects.ts'
import { hasLabels } from '../api/selectors.ts'
import type { Controller } from '../api/controller.ts'
import type { Network } from '../network.ts'
import type { KnativeHooks } from './hooks.ts'
import { ensureTlsGateway } from './ingress-tls.ts'
import { INGRESSES } from './kinds.ts'
import { readConfig } from './settings.ts'

const VIRTUAL_SERVICES = 'virtualservices.networking.istio.io'
const ISTIO_CLASS = 'istio.ingress.networking.knative.dev'

interface Gateway {
  namespace: string
  name: string
  service: string
}

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
    const [external, local] = [this.#gateways('external'), this.#gateways('local')]
    const hash = createHash('sha256').update(JSON.stringify(ingress.spec)).digest('hex')
    const delayMs = this.#hooks.ingressDelayMs.apply(0, { ingress, objects: this.#objects })
    if (delayMs > 0) return controller.enqueue(name, namespace, delayMs)
    this.#ensureVirtualServices(ingress, external, local, hash)
    const key = `${ingress.metadata.uid}/${hash}`
    const missing =
      this.#probed.get(ingress.metadata.uid ?? '') === key
        ? undefined
        : await this.#probeAll(ingress, external, local, hash)
    if (!missing) this.#probed.set(ingress.metadata.uid ?? '', key)
    else controller.enqueue(name, namespace, 60)
    this.#writeStatus(ingress, missing, external, local)
  }

  /** The gateways of config-istio, in either form; the default where neither is given. */
  #gateways(kind: 'external' | 'local'): Gateway[] {
    const config = readConfig(this.#objects, 'config-istio')
    const list = config[`${kind}-gateways`]
    if (list !== undefined) return (parse(list) ?? []) as Gateway[]
    const prefix = kind === 'external' ? 'gateway.' : 'local-gateway.'
    const old = Object.entries(config).filter(([key]) => key.startsWith(prefix))
    if (old.length) {
      return old.map(([key, service]) => {
        const [first = '', ...rest] = key.slice(prefix.length).split('.')
        return rest.length
          ? { namespace: first, name: rest.join('.'), service }
          : { namespace: 'knative-serving', name: first, service }
      })
    }
    return kind === 'external'
      ? [
          {
            namespace: 'knative-serving',
            name: 'knative-ingress-gateway',
            service: 'istio-ingressgateway.istio-system.svc.cluster.local',
          },
        ]
      : [
          {
            namespace: 'knative-serving',
            name: 'knative-local-gateway',
            service: 'knative-local-gateway.istio-system.svc.cluster.local',
          },
        ]
  }

  #ensureVirtualServices(
    ingress: KubeObject,
    external: readonly Gateway[],
    local: readonly Gateway[],
    hash: string,
  ): void {
    const rules = ingress.spec.rules as Rule[]
    const secured = ensureTlsGateway(this.#objects, ingress)
    const own = secured ? [`${ingress.metadata.namespace}/${secured}`] : []
    const names = (gateways: readonly Gateway[]) => gateways.map((each) => `${each.namespace}/${each.name}`)
    const ofRule = (rule: Rule) => (rule.visibility === 'ExternalIP' ? [...names(external), ...own] : names(local))
    const localRules = rules.filter(({ visibility }) => visibility === 'ClusterLocal')
    // One that is cluster-local alone is on no external gateway.
    const outside = rules.some(({ visibility }) => visibility === 'ExternalIP') ? [...names(external), ...own] : []
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
          host: `${split.serviceName}.${split.serviceNamespace}.svc.cluster.local`,
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

  /** Probes every host on every Ready pod of its gateways; gives what is missing. */
  async #probeAll(
    ingress: KubeObject,
    external: readonly Gateway[],
    local: readonly Gateway[],
    hash: string,
  ): Promise<string | undefined> {
    const probes = (ingress.spec.rules as Rule[]).flatMap((rule) => {
      const gateways = rule.visibility === 'ExternalIP' ? external : local
      return gateways.flatMap((gateway) =>
        this.#targetsOf(gateway).map((target) => ({ ...target, host: rule.hosts[0] ?? '' })),
      )
    })
    if ([...external, ...local].some((gateway) => this.#targetsOf(gateway).length === 0))
      return 'no gateway pod is Ready'
    const answers = await Promise.all(probes.map((each) => this.#probe(each.address, each.port, each.host, hash)))
    const failed = probes.filter((_, at) => !answers[at])
    return failed.length ? `${failed.length} of ${probes.length} gateway probes are not answered yet` : undefined
  }

  #targetsOf(gateway: Gateway): { address: string; port: number }[] {
    const object = this.#objects.get('gateways.networking.istio.io', gateway.name, gateway.namespace)
    const port = Number(object?.spec?.servers?.[0]?.port?.number ?? 80)
    const [serviceName = '', serviceNamespace = ''] = gateway.service.split('.')
    const service = this.#objects.get('services', serviceName, serviceNamespace)
    const ports = (service?.spec?.ports ?? []) as { port: number; targetPort?: number }[]
    const target = port === 80 ? Number(ports.find((each) => each.port === 80)?.targetPort ?? 80) : port
    return this.#objects
      .list('pods', serviceNamespace)
      .filter((pod) => isReadyPod(pod) && hasLabels(service?.spec?.selector, pod.metadata.labels))
      .map((pod) => ({ address: String(pod.status.podIP), port: target }))
  }

  #probe(address: string, port: number, host: string, hash: string): Promise<boolean> {
    const headers = {
      host,
      'user-agent': 'Knative-Ingress-Probe',
      'k-network-probe': 'probe',
      'k-network-hash': 'override',
    }
    return new Promise((resolve) => {
      const request = http.get(
        { host: address, port: this.#network.realPort(port), path: '/healthz', headers, agent: false, timeout: 2000 },
        (answer) => {
          answer.resume()
          resolve(answer.statusCode === 200 && answer.headers['k-network-hash'] === hash)
        },
      )
      request.on('timeout', () => request.destroy())
      request.on('error', () => resolve(false))
    })
  }

  #writeStatus(
    ingress: KubeObject,
    missing: string | undefined,
    external: readonly Gateway[],
    local: readonly Gateway[],
  ): void {
    const { name, namespace, generation } = ingress.metadata
    const lb = (gateways: readonly Gateway[]) => ({
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
