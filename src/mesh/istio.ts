import type { DeadlineName } from '../core/deadlines.ts'
import { PromiseCache } from '../core/promise-cache.ts'
import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { eventually } from '../core/eventually.ts'
import { askPod } from '../kube/forward.ts'
import { readyPods } from '../kube/pods.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { gatewayPods } from '../cluster/gateway-service.ts'

// Each look takes some tens of milliseconds; istiod gathers changes for a hundred before it pushes.
const QUIET_LOOKS = 10

/** What istiod knows of one proxy (its /debug/syncz): a type is synced where the nonce sent was acknowledged. */
export interface ProxyStatus {
  proxy: string
  istio_version: string
  cluster_sent?: string
  cluster_acked?: string
  listener_sent?: string
  listener_acked?: string
  route_sent?: string
  route_acked?: string
  endpoint_sent?: string
  endpoint_acked?: string
}

/** istiod and the gateway's Envoys. */
export class Istio {
  readonly #cluster: Cluster
  readonly #proxies = new PromiseCache<ProxyStatus[]>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** istiod's pods that are Ready, of every revision. */
  async istiodPods(): Promise<KubernetesObject[]> {
    const { items } = await this.#cluster.k8s.list('v1/Pod', { labels: 'app=istiod' })
    const pods = readyPods(items)
    if (pods.length === 0)
      throw new StackFailure('No pod with the label app=istiod is Ready: Istio is not installed, or istiod is down.')
    return pods
  }

  /**
   * istiod's Deployment, as NAMESPACE/NAME.
   * @throws StackFailure where there is none
   */
  async deployment(): Promise<string> {
    const found = (await this.#cluster.all('apps/v1/Deployment')).find(
      ({ metadata }) => metadata?.labels?.app === 'istiod',
    )
    if (!found) throw new StackFailure('No Deployment has the label app=istiod: Istio is not installed.')
    return `${found.metadata?.namespace}/${found.metadata?.name}`
  }

  /** The versions that istiod's pods report, one each (istiod serves /version beside its metrics). */
  async istiodVersions(): Promise<string[]> {
    const versions = (await this.istiodPods()).map(async ({ metadata }) => {
      const { body } = await this.#cluster.k8s.raw(
        'GET',
        `/api/v1/namespaces/${metadata?.namespace}/pods/${metadata?.name}:15014/proxy/version`,
      )
      // '1.30.3-<git revision>-Clean': the last two parts are of the build.
      return body.trim().replace(/-[^-]+-[^-]+$/, '')
    })
    return Promise.all(versions)
  }

  /** What istiod knows of each proxy that is connected to any of its pods. Asked once a run. */
  proxies(): Promise<ProxyStatus[]> {
    return this.#proxies.get('', () => this.#askProxies())
  }

  /**
   * Waits until at least so many proxies are connected and every one has acknowledged its last push. Other checks
   * push configuration meanwhile.
   * @throws StackFailure at the deadline, naming the proxies and types that are stale
   */
  async untilSynced(atLeast: number, within: DeadlineName = 'configPush'): Promise<ProxyStatus[]> {
    let proxies: ProxyStatus[] = []
    await eventually(
      'all proxies to acknowledge their configuration',
      async () => {
        proxies = await this.#askProxies()
        const stale = proxies.flatMap((proxy) => staleTypes(proxy).map((type) => `${proxy.proxy} ${type}`))
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

  /** The gateway's pods that are Ready now. @throws StackFailure where there is none */
  gatewayPods(): Promise<KubernetesObject[]> {
    return gatewayPods(this.#cluster)
  }

  /** GETs a path of a proxy's admin interface, which listens on the pod's loopback alone. */
  admin(pod: KubernetesObject, path: string): Promise<string> {
    return this.#ask(pod, 15000, path)
  }

  async #askProxies(): Promise<ProxyStatus[]> {
    const answers = await Promise.all((await this.istiodPods()).map((pod) => this.#ask(pod, 15014, '/debug/syncz')))
    return answers.flatMap((answer) => JSON.parse(answer) as ProxyStatus[])
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

/** The types whose last push the proxy has not acknowledged, or never got: it needs clusters and listeners to serve. */
export function staleTypes(proxy: ProxyStatus): string[] {
  const types = {
    CDS: ['cluster', true],
    LDS: ['listener', true],
    EDS: ['endpoint', false],
    RDS: ['route', false],
  } as const
  return Object.entries(types)
    .filter(([, [name, must]]) => {
      const sent = proxy[`${name}_sent`]
      return must && !sent ? true : sent !== proxy[`${name}_acked`]
    })
    .map(([type]) => type)
}
