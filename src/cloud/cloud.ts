import { Aws } from './aws.ts'
import { describeCluster, type EksCluster } from './eks-cluster.ts'
import { findNlb, listenerOn, targetsOf, type Nlb, type NlbListener, type NlbTarget } from './nlb.ts'
import { PromiseCache } from '../core/promise-cache.ts'
import { StackFailure } from '../core/problem.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { gatewayHostname, gatewayName } from '../cluster/gateway-service.ts'

/** The stack's EKS cluster and the load balancer of its gateway in AWS, each described once a run. */
export class Cloud {
  readonly #kubernetes: Cluster
  #aws: Aws | undefined
  readonly #cluster = new PromiseCache<EksCluster>()
  readonly #nlb = new PromiseCache<Nlb>()

  constructor(cluster: Cluster) {
    this.#kubernetes = cluster
  }

  /** AWS's APIs. @throws StackFailure where the run knows no region */
  get aws(): Aws {
    const place = this.#kubernetes.run.aws
    if (!place) throw new StackFailure('AWS region unknown: set aws.region in stack.yaml.')
    return (this.#aws ??= new Aws(place))
  }

  /** The EKS cluster, described once a run. @throws StackFailure where the run does not know its name */
  cluster(): Promise<EksCluster> {
    const name = this.#kubernetes.run.aws?.cluster
    if (!name) throw new StackFailure('Name of the EKS cluster unknown: set cluster.name in stack.yaml.')
    return this.#cluster.get(name, () => describeCluster(this.aws, name))
  }

  /** The gateway's load balancer, by the DNS name in the status of its Service. */
  nlb(): Promise<Nlb> {
    return this.#nlb.get('', () => this.#nlbNow())
  }

  async #nlbNow(): Promise<Nlb> {
    const { namespace, name: service } = await gatewayName(this.#kubernetes)
    return findNlb(this.aws, await gatewayHostname(this.#kubernetes), `${namespace}/${service}`)
  }

  /** The targets behind a port of the load balancer with their states now. */
  async targets(port: number): Promise<NlbTarget[]> {
    return targetsOf(this.aws, await listenerOn(this.aws, await this.nlb(), port))
  }

  /** Waits until the load balancer is no longer in state provisioning, which takes some minutes. */
  async untilProvisioned(): Promise<Nlb> {
    // One that AWS does not know is told at once.
    let nlb = await this.#nlbNow()
    if (nlb.state !== 'provisioning') return nlb
    await this.#kubernetes.eventually(
      `load balancer ${await gatewayHostname(this.#kubernetes)} leaving state provisioning`,
      async () => {
        nlb = await this.#nlbNow()
        // No other state changes by itself.
        return nlb.state === 'provisioning' ? 'state is provisioning' : undefined
      },
      'nlbActive',
    )
    return nlb
  }

  /** Waits until the listener on a port has targets and all of them are healthy. */
  async untilHealthy(port: number): Promise<NlbListener & { targets: NlbTarget[] }> {
    const { aws } = this
    const nlb = await this.nlb()
    let found: (NlbListener & { targets: NlbTarget[] }) | undefined
    await this.#kubernetes.eventually(
      `healthy targets behind port ${port} of load balancer ${nlb.dnsName}`,
      async () => {
        const listener = await listenerOn(aws, nlb, port)
        found = { ...listener, targets: await targetsOf(aws, listener) }
        if (found.targets.length === 0) return 'the target group has no targets'
        const unhealthy = found.targets.filter(({ state }) => state !== 'healthy' && state !== 'draining')
        return unhealthy.length
          ? unhealthy.map(({ id, state, reason }) => `${id} is ${state}: ${reason}`).join('; ')
          : undefined
      },
      'targetsHealthy',
    )
    return found!
  }
}
