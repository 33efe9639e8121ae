import type { DeadlineName } from '../core/deadlines.ts'
import { PromiseCache } from '../core/promise-cache.ts'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { eventually } from '../core/eventually.ts'
import { askPod } from '../kube/forward.ts'
import { readyPods } from '../kube/pods.ts'
import { labelQuery, selectedByService } from '../kube/selector.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { gatewayPods } from '../cluster/gateway-service.ts'
import { valueOr } from '../survey/fact.ts'
import { stackNamespaces } from '../survey/stack-namespaces.ts'
import type { Gateway, Istiod, MeshConfig } from '../survey/survey.ts'
import { allIstiods, theIstiod } from '../survey/surveyed.ts'
import { failWithoutPods, istiodName, namespaceOf, staleProxies, versionIn } from './proxies.ts'
import type { Proxy, ProxyStatus } from './proxies.ts'

// Each look takes some tens of milliseconds; istiod gathers changes for a hundred before it pushes.
const QUIET_LOOKS = 10

/** istiod and the gateway's Envoys. */
export class Istio {
  readonly #cluster: Cluster
  readonly #proxies = new PromiseCache<Proxy[]>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /**
   * The pods of an istiod that are Ready; of the one that configures the gateway where none is given.
   * @throws StackFailure where there is none
   */
  async istiodPods(istiod?: Istiod): Promise<KubernetesObject[]> {
    const whose = istiod ?? (await theIstiod(this.#cluster))
    const { namespace, selector, podLabels } = whose.workload
    const labels = labelQuery({ app: 'istiod', ...(Object.keys(selector).length ? selector : podLabels) })
    const pods = readyPods((await this.#cluster.k8s.list('v1/Pod', { namespace, labels })).items)
    return pods.length ? pods : failWithoutPods(whose)
  }

  /** The Deployment of the istiod that configures the gateway, as NAMESPACE/NAME. */
  async deployment(): Promise<string> {
    return istiodName(await theIstiod(this.#cluster))
  }

  /** The versions that the pods of an istiod report, one each; of the gateway's istiod where none is given. */
  async istiodVersions(istiod?: Istiod): Promise<string[]> {
    const whose = istiod ?? (await theIstiod(this.#cluster))
    const pods = await this.istiodPods(whose)
    return Promise.all(pods.map(async (pod) => versionIn(await this.#ask(pod, whose.ports.debug, '/version'))))
  }

  /** What each istiod knows of each proxy that is connected to one of its pods. Asked once a run. */
  proxies(): Promise<Proxy[]> {
    return this.#proxies.get('', () => this.#askProxies())
  }

  /**
   * Waits until at least so many proxies are connected and every one of the stack has acknowledged its last push. Other
   * checks push configuration meanwhile. What a tenant's proxy rejects is not the stack's.
   * @throws StackFailure at the deadline, naming the proxies and types that are stale
   */
  async untilSynced(atLeast: number, within: DeadlineName = 'configPush'): Promise<Proxy[]> {
    let proxies: Proxy[] = []
    const own = stackNamespaces(await this.#cluster.survey())
    await eventually(
      'all proxies to acknowledge their configuration',
      async () => {
        proxies = await this.#askProxies()
        const stale = staleProxies(proxies.filter((proxy) => own.has(namespaceOf(proxy))))
        if (proxies.length < atLeast) return `${proxies.length} proxies are connected, at least ${atLeast} are expected`
        return stale.length ? `STALE: ${stale.join(', ')}` : undefined
      },
      within,
    )
    return proxies
  }

  /**
   * Waits until istiod has sent no listeners for a while, at most for the deadline: in a cluster where it always pushes
   * nothing is gained by failing.
   */
  async untilQuiet(): Promise<void> {
    let before = ''
    const pushed = async () => {
      // istiod names its proxies in no order.
      const sent = (await this.#askProxies()).map(({ proxy, listener_sent }) => `${proxy} ${listener_sent}`)
      const now = sent.toSorted().join()
      const same = now === before
      before = now
      return same ? undefined : 'istiod has sent listeners'
    }
    await eventually('istiod with nothing to push', pushed, 'configPush', { inARow: QUIET_LOOKS }).catch(
      (problem: unknown) => {
        if (!(problem instanceof StackFailure)) throw problem
      },
    )
  }

  /**
   * The circuit breakers of one Envoy cluster in each gateway pod, once `reached` holds for all of them.
   * @throws StackFailure at the deadline, with what was last seen
   */
  async circuitBreakers(
    cluster: string,
    reached: (limits: Record<string, number>) => boolean,
  ): Promise<Record<string, Record<string, number>>> {
    let limits: Record<string, Record<string, number>> = {}
    await eventually(
      `circuit breakers of ${cluster} in the gateway pods`,
      async () => {
        limits = {}
        for (const pod of await this.gatewayPods()) {
          const dump = JSON.parse(
            await this.admin(
              pod,
              '/config_dump?resource=dynamic_active_clusters&mask=cluster.name,cluster.circuit_breakers',
            ),
          ) as ConfigDump
          const found = dump.configs?.find((each) => each.cluster?.name === cluster)
          const thresholds = found?.cluster?.circuit_breakers?.thresholds?.[0]
          limits[pod.metadata?.name ?? ''] = {
            maxConnections: thresholds?.max_connections ?? NaN,
            maxRequests: thresholds?.max_requests ?? NaN,
          }
        }
        const lacking = Object.entries(limits).find(([, each]) => !reached(each))
        return lacking ? `Pod ${lacking[0]} has ${JSON.stringify(lacking[1])}` : undefined
      },
      'configPush',
    )
    return limits
  }

  /** The pods of a gateway that are Ready now; see gateway-service.ts. @throws StackFailure where there is none */
  gatewayPods(gateway?: Gateway): Promise<KubernetesObject[]> {
    return gatewayPods(this.#cluster, gateway)
  }

  /** GETs a path of a proxy's admin interface, which listens on the pod's loopback alone. */
  async admin(pod: KubernetesObject, path: string): Promise<string> {
    return this.#ask(pod, await this.adminPort(pod), path)
  }

  /** The port of that interface. */
  async adminPort({ metadata }: KubernetesObject): Promise<number> {
    const { gateways, istiods } = await this.#cluster.survey()
    const own = valueOr(gateways, []).find(
      ({ service, workloads }) =>
        service.namespace === metadata?.namespace &&
        workloads.some(({ selector }) => selectedByService({ ...selector }, metadata.labels ?? {})),
    )
    if (own) return own.adminPort
    const [istiod] = valueOr(istiods, [])
    const mesh: MeshConfig = istiod ? valueOr(istiod.mesh, {}) : {}
    return Number(mesh.defaultConfig?.proxyAdminPort ?? 15000)
  }

  async #askProxies(): Promise<Proxy[]> {
    const own = await theIstiod(this.#cluster)
    // One that was scaled to nothing, as an old revision is before it goes, has no proxies.
    const istiods = (await allIstiods(this.#cluster)).filter((each) => each === own || each.workload.replicas > 0)
    const answers = istiods.map(async (istiod) => {
      const pods = await this.istiodPods(istiod)
      const each = pods.map((pod) => this.#ask(pod, istiod.ports.debug, '/debug/syncz'))
      return (await Promise.all(each)).flatMap((answer) =>
        (JSON.parse(answer) as ProxyStatus[]).map((status): Proxy => ({ ...status, istiod })),
      )
    })
    return (await Promise.all(answers)).flat()
  }

  #ask(pod: KubernetesObject, port: number, path: string): Promise<string> {
    const { name = '', namespace = '' } = pod.metadata ?? {}
    return askPod(this.#cluster.k8s, { name, namespace, port }, { path })
  }
}

interface ConfigDump {
  configs?: {
    cluster?: {
      name?: string
      circuit_breakers?: { thresholds?: { max_connections?: number; max_requests?: number }[] }
    }
  }[]
}
