import { workloadNamespace } from '../cluster/workload.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { Answer } from '../traffic/http.ts'
import type { ReadyService } from './knative.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Changes } from '../cluster/changes.ts'
import type { Ingress } from '../traffic/ingress.ts'
import type { Istio } from '../mesh/istio.ts'
import type { Knative } from './knative.ts'
import { gatewayName } from '../cluster/gateway-service.ts'

type Parts = Cluster & { changes: Changes; ingress: Ingress; istio: Istio; knative: Knative }

/** An EnvoyFilter on the routes of one of our own Services. */
export class RoutePatch {
  readonly #stack: Parts
  readonly #service: ReadyService
  #placed: KubernetesObject | undefined

  private constructor(stack: Parts, service: ReadyService) {
    this.#stack = stack
    this.#service = service
  }

  /** Creates a Service of one pod to patch; `apply` places the filter. */
  static async create(stack: Parts): Promise<RoutePatch> {
    const namespace = await workloadNamespace(stack, 'patched')
    const scaling = { 'min-scale': '1', 'max-scale': '1' }
    return new RoutePatch(stack, await stack.knative.service(namespace, 'patched', { scaling }))
  }

  /** Places the filter, and waits until every gateway's routes have the timeout. */
  async apply({ timeout, retries }: { timeout: string; retries: number }): Promise<void> {
    const { namespace } = await gatewayName(this.#stack)
    const [filter] = await this.#stack.fixture('knative/route-patch.yaml', {
      namespace,
      name: `plumb-route-patch-${this.#stack.runTag}`,
      ...(await this.#routeOfHost()),
      timeout,
      retries,
    })
    this.#placed = await this.#stack.changes.place(filter!)
    await this.#untilGatewaysPatched(true)
  }

  /** Places the guide's own filter: in Knative's namespace, with field names that Envoy does not have. */
  async applyGuides(): Promise<void> {
    const [filter] = await this.#stack.fixture('knative/guide-route-patch.yaml', {
      name: `plumb-guide-patch-${this.#stack.runTag}`,
      virtualHost: (await this.#routeOfHost()).virtualHost,
    })
    await this.#stack.changes.place(filter!)
  }

  /** Removes the filter, and waits until no gateway's routes have the timeout. */
  async remove(): Promise<void> {
    if (this.#placed) await this.#stack.changes.remove(this.#placed)
    await this.#untilGatewaysPatched(false)
  }

  /** How often the container got one request that it answers with 503. */
  async tries(): Promise<number> {
    const before = await this.#total()
    await this.#stack.ingress.send({ host: this.#service.host, path: '/?status=503' })
    // The container counts the request for its count, too.
    return (await this.#total()) - before - 1
  }

  /** Sends a request that the container answers after so many milliseconds. */
  slow(ms: number): Promise<Answer> {
    return this.#stack.ingress.send({ host: this.#service.host, path: `/?sleep=${ms}`, within: 'coldRequest' })
  }

  async #total(): Promise<number> {
    const answer = await this.#stack.ingress.send({ host: this.#service.host, path: '/info' })
    return (JSON.parse(answer.body) as { total: number }).total
  }

  /** The route configuration and the virtual host that have the Service's host, in the first of the gateway's pods. */
  async #routeOfHost(): Promise<{ routes: string; virtualHost: string }> {
    const [gateway] = await this.#stack.istio.gatewayPods()
    let found: VirtualHost | undefined
    await this.#stack.eventually(
      `a virtual host for ${this.#service.host} in gateway pod ${gateway?.metadata?.name}`,
      async () => {
        found = (await this.#routesIn(gateway!))[0]
        return found ? undefined : `its config dump has no virtual host with domain ${this.#service.host}`
      },
      'configPush',
    )
    return { routes: found!.routesName, virtualHost: found!.name }
  }

  async #untilGatewaysPatched(expected: boolean): Promise<void> {
    const { host } = this.#service
    for (const pod of await this.#stack.istio.gatewayPods())
      await this.#stack.eventually(
        `routes of ${host} ${expected ? 'with' : 'without'} the EnvoyFilter in gateway pod ${pod.metadata?.name}`,
        async () => {
          const routes = (await this.#routesIn(pod)).flatMap(({ routes = [] }) => routes)
          const patched = routes.some(({ route }) => (route?.timeout ?? '0s') !== '0s')
          return patched === expected ? undefined : `the routes have ${patched ? 'a' : 'no'} timeout`
        },
        'configPush',
      )
  }

  /**
   * The virtual hosts that have the Service's host among their domains, of its scheme. Istio names one after one of the
   * hosts that share routes; which one differs between versions.
   */
  async #routesIn(pod: KubernetesObject): Promise<VirtualHost[]> {
    const dump = await this.#stack.istio.admin(pod, '/config_dump?resource=dynamic_route_configs')
    const { scheme, host } = this.#service.at
    return ((JSON.parse(dump) as RoutesDump).configs ?? [])
      .filter(({ route_config }) => route_config?.name?.startsWith(`${scheme}.`))
      .flatMap(({ route_config }) =>
        (route_config?.virtual_hosts ?? []).map((each) => ({ ...each, routesName: route_config?.name ?? '' })),
      )
      .filter(({ domains = [] }) => domains.includes(host))
  }
}

/** A virtual host, and the name of the route configuration that it is in: http.8080, https.443.NAME.GATEWAY.NS. */
interface VirtualHost extends DumpedHost {
  routesName: string
}

interface DumpedHost {
  name: string
  domains?: string[]
  routes?: { route?: { timeout?: string } }[]
}

interface RoutesDump {
  configs?: { route_config?: { name?: string; virtual_hosts?: DumpedHost[] } }[]
}
