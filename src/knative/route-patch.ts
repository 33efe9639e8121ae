import { workloadNamespace } from '../cluster/workload.ts'
import { StackFailure } from '../core/problem.ts'
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
      routes: await this.#routeName(),
      virtualHost: await this.#virtualHost(),
      timeout,
      retries,
    })
    this.#placed = await this.#stack.changes.place(filter!)
    await this.#untilGatewaysPatched(true)
  }

  /** Places the guide's own filter: in knative-serving, with field names that Envoy does not have. */
  async applyGuides(): Promise<void> {
    const [filter] = await this.#stack.fixture('knative/guide-route-patch.yaml', {
      name: `plumb-guide-patch-${this.#stack.runTag}`,
      virtualHost: await this.#virtualHost(),
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

  /** The name of the gateway's route configuration: http.PORT, with the target port of the Service's port 80. */
  async #routeName(): Promise<string> {
    const { namespace, name: service } = await gatewayName(this.#stack)
    const { spec } = await this.#stack.one('v1/Service', service, namespace)
    const port = ((spec?.ports ?? []) as { port: number; targetPort?: number }[]).find(({ port }) => port === 80)
    if (!port) throw new StackFailure(`Service ${namespace}/${service} has no port 80.`)
    return `http.${port.targetPort ?? port.port}`
  }

  /**
   * The name of the virtual host that has the Service's host among its domains. Istio names it after one of the hosts
   * that share routes; which one differs between versions.
   */
  async #virtualHost(): Promise<string> {
    const [gateway] = await this.#stack.istio.gatewayPods()
    let virtualHost: string | undefined
    await this.#stack.eventually(
      `a virtual host for ${this.#service.host} in gateway pod ${gateway?.metadata?.name}`,
      async () => {
        virtualHost = (await this.#routesIn(gateway!))[0]?.name
        return virtualHost ? undefined : `its config dump has no virtual host with domain ${this.#service.host}`
      },
      'configPush',
    )
    return virtualHost!
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

  async #routesIn(pod: KubernetesObject): Promise<VirtualHost[]> {
    const dump = await this.#stack.istio.admin(pod, '/config_dump?resource=dynamic_route_configs')
    const name = await this.#routeName()
    return ((JSON.parse(dump) as RoutesDump).configs ?? [])
      .filter(({ route_config }) => route_config?.name === name)
      .flatMap(({ route_config }) => route_config?.virtual_hosts ?? [])
      .filter(({ domains = [] }) => domains.includes(this.#service.host))
  }
}

interface VirtualHost {
  name: string
  domains?: string[]
  routes?: { route?: { timeout?: string } }[]
}

interface RoutesDump {
  configs?: { route_config?: { name?: string; virtual_hosts?: VirtualHost[] } }[]
}
