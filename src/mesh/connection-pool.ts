import { DoesNotApply } from '../core/problem.ts'
import { podsReady } from '../kube/until.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Istio } from './istio.ts'
import type { Ingress } from '../traffic/ingress.ts'
import type { GatewayLog } from './gateway-log.ts'
import { workloadNamespace } from '../cluster/workload.ts'
import { clusterDomain } from '../survey/surveyed.ts'
import type { AccessLogReader } from './access-log.ts'
import { accessLogReader } from './gateway-access-log.ts'

type Parts = Cluster & { istio: Istio; ingress: Ingress; gatewayLog: GatewayLog }

interface Clusters {
  cluster_statuses?: { name: string; host_statuses?: { stats?: { name: string; value?: string }[] }[] }[]
}

/** A workload behind a small connection pool, and what the gateways count and log of the requests that overflow it. */
export class ConnectionPool {
  readonly host: string
  readonly namespace: string
  readonly #stack: Parts
  /** The name of its cluster in Envoy. */
  readonly #cluster: string

  private constructor(stack: Parts, namespace: string, domain: string) {
    this.#stack = stack
    this.#cluster = `outbound|80||limited.${namespace}.svc.${domain}`
    this.namespace = namespace
    this.host = `limited.${namespace}.test`
  }

  /** Creates it, and waits until every gateway pod has its limits and answers for it. */
  static async create(stack: Parts): Promise<ConnectionPool> {
    const pool = new ConnectionPool(stack, await workloadNamespace(stack, 'limited'), await clusterDomain(stack))
    const { namespace, host } = pool
    await stack.applyFixture('mesh/limited.yaml', { namespace, host })
    await stack.until({ kind: 'v1/Pod', namespace, labels: 'app=limited' }, podsReady(1), 'podReady')
    await stack.istio.circuitBreakers(pool.#cluster, ({ maxConnections }) => maxConnections === 2)
    await stack.ingress.until({ host }, (answer) => answer.status === 200)
    return pool
  }

  /**
   * How many requests the gateways have passed on to its pod so far, by Envoy's counters. Envoy counts the overflows of
   * a cluster only where the proxy asks for that (proxyStatsMatcher); the counters of its hosts are always there.
   */
  async passedOn(): Promise<number> {
    const pods = await this.#stack.istio.gatewayPods()
    const counts = await Promise.all(
      pods.map(async (pod) => {
        const { cluster_statuses = [] } = JSON.parse(
          await this.#stack.istio.admin(pod, '/clusters?format=json'),
        ) as Clusters
        const hosts = cluster_statuses.find(({ name }) => name === this.#cluster)?.host_statuses ?? []
        const totals = hosts.map(({ stats = [] }) => Number(stats.find(({ name }) => name === 'rq_total')?.value ?? 0))
        return totals.reduce((sum, count) => sum + count, 0)
      }),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /**
   * Waits until `count` requests of a load script (their path has sleep=) are in the access log since `since`.
   * @returns how many of them overflowed (flag UO); undefined where the gateway's access log cannot tell
   */
  async overflowsLogged(since: number, count: number): Promise<number | undefined> {
    const reader = await this.#reader()
    if (!reader) return undefined
    let logged = 0
    let overflows = 0
    const take = ({ text }: { text: string }) => {
      const record = reader.read(text)
      if (record?.authority !== this.host || !record.path?.includes('sleep=')) return
      logged++
      if (record.response_flags?.split(',').includes('UO')) overflows++
    }
    const missing = () => (logged < count ? `the access log has ${logged} of ${count}` : undefined)
    const awaited = `${count} requests to ${this.host} in the access log`
    await this.#stack.gatewayLog.until(since, awaited, { take, missing })
    return overflows
  }

  /** A reader of access logs that have the host, the path and the flags of a request. */
  async #reader(): Promise<AccessLogReader | undefined> {
    try {
      const reader = await accessLogReader(this.#stack)
      return reader.has('authority') && reader.has('response_flags') ? reader : undefined
    } catch (problem) {
      if (problem instanceof DoesNotApply) return undefined
      throw problem
    }
  }
}
