import { Aws } from './aws.ts'
import { describeCluster, type EksCluster } from './eks-cluster.ts'
import { findGatewayNlb, listenerTo } from './gateway-nlb.ts'
import { targetsOf, type Nlb, type NlbListener, type NlbTarget } from './nlb.ts'
import { PromiseCache } from '../core/promise-cache.ts'
import { StackFailure } from '../core/problem.ts'
import type { Cluster } from '../cluster/cluster.ts'

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

  /** The gateway's load balancer. @throws StackFailure where AWS has none, DoesNotApply where it is none of AWS's */
  nlb(): Promise<Nlb> {
    return this.#nlb.get('', () => this.#nlbNow())
  }

  #nlbNow(): Promise<Nlb> {
    return findGatewayNlb(this.#kubernetes, this.aws)
  }

  /** The load balancer's listener to a port of the gateway's Service. @throws StackFailure where there is none */
  async listener(port: number): Promise<NlbListener> {
    return listenerTo(this.#kubernetes, this.aws, await this.nlb(), port)
  }

  /** The targets behind a port of the gateway's Service with their states now. */
  async targets(port: number): Promise<NlbTarget[]> {
    return targetsOf(this.aws, await this.listener(port))
  }

  /** Waits until the load balancer is no longer in state provisioning, which takes some minutes. */
  async untilProvisioned(): Promise<Nlb> {
    // One that AWS does not know is told at once.
    let nlb = await this.#nlbNow()
    if (nlb.state !== 'provisioning') return nlb
    await this.#kubernetes.eventually(
      `load balancer ${nlb.dnsName} leaving state provisioning`,
      async () => {
        nlb = await this.#nlbNow()
        // No other state changes by itself.
        return nlb.state === 'provisioning' ? 'state is provisioning' : undefined
      },
      'nlbActive',
    )
    return nlb
  }

  /**
   * Waits until the listener to a port of the gateway's Service has targets and all of them are healthy, but for those
   * of which `mayFail` says that they need not be.
   */
  async untilHealthy(
    port: number,
    mayFail: (target: NlbTarget) => boolean = () => false,
  ): Promise<NlbListener & { targets: NlbTarget[] }> {
    const { aws } = this
    const nlb = await this.nlb()
    let found: (NlbListener & { targets: NlbTarget[] }) | undefined
    await this.#kubernetes.eventually(
      `healthy targets behind port ${port} of load balancer ${nlb.dnsName}`,
      async () => {
        const listener = await this.listener(port)
        const targets = (await targetsOf(aws, listener)).filter(
          (target) => target.state === 'healthy' || !mayFail(target),
        )
        found = { ...listener, targets }
        if (targets.length === 0) return 'the target group has no targets'
        const unhealthy = targets.filter(({ state }) => state !== 'healthy' && state !== 'draining')
        return unhealthy.length
          ? unhealthy.map(({ id, state, reason }) => `${id} is ${state}: ${reason}`).join('; ')
          : undefined
      },
      'targetsHealthy',
    )
    return found!
  }
}
