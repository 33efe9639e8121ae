import { Aws } from './aws.ts'
import { describeCluster, type EksCluster } from './eks-cluster.ts'
import { findNlb, listenerOn, targetsOf, type Nlb, type NlbListener, type NlbTarget } from './nlb.ts'
import { PromiseCache } from '../core/promise-cache.ts'
import { StackFailure } from '../core/problem.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { gatewayHostname } from '../cluster/gateway-service.ts'

/** What AWS holds of the stack: the EKS cluster and the load balancer in front of the gateway, each described once a run. */
export class Cloud {
  readonly #kubernetes: Cluster
  #aws: Aws | undefined
  readonly #cluster = new PromiseCache<EksCluster>()
  readonly #nlb = new PromiseCache<Nlb>()

  constructor(cluster: Cluster) {
    this.#kubernetes = cluster
  }

  /** AWS's APIs. @throws StackFailure where the run does not know where to ask */
  get aws(): Aws {
    const place = this.#kubernetes.run.aws
    if (!place) throw new StackFailure('stack.yaml names no region of AWS (aws.region).')
    return (this.#aws ??= new Aws(place))
  }

  /** The cluster, described once a run. @throws StackFailure where the run does not know its name */
  cluster(): Promise<EksCluster> {
    const name = this.#kubernetes.run.aws?.cluster
    if (!name) throw new StackFailure("The EKS cluster's name is not known: give it in stack.yaml (cluster.name).")
    return this.#cluster.get(name, () => describeCluster(this.aws, name))
  }

  /** The gateway's load balancer, by the DNS name in the status of its Service. */
  nlb(): Promise<Nlb> {
    return this.#nlb.get('', () => this.#nlbNow())
  }

  async #nlbNow(): Promise<Nlb> {
    const { namespace, service } = this.#kubernetes.config.gateway
    return findNlb(this.aws, await gatewayHostname(this.#kubernetes), `${namespace}/${service}`)
  }

  /** The targets behind a port of the load balancer, with their states: asked anew each time, they change by themselves. */
  async targets(port: number): Promise<NlbTarget[]> {
    return targetsOf(this.aws, await listenerOn(this.aws, await this.nlb(), port))
  }

  /** The load balancer once it is no longer provisioned, which takes some minutes. */
  async untilProvisioned(): Promise<Nlb> {
    // One that AWS does not know is told at once.
    let nlb = await this.#nlbNow()
    if (nlb.state !== 'provisioning') return nlb
    await this.#kubernetes.eventually(
      `the load balancer ${await gatewayHostname(this.#kubernetes)} to be provisioned`,
      async () => {
        nlb = await this.#nlbNow()
        // Any other state does not pass by itself.
        return nlb.state === 'provisioning' ? 'it is still provisioning' : undefined
      },
      'nlbActive',
    )
    return nlb
  }

  /** The listener on a port and its targets, once there are some and all are healthy. */
  async untilHealthy(port: number): Promise<NlbListener & { targets: NlbTarget[] }> {
    const { aws } = this
    const nlb = await this.nlb()
    let found: (NlbListener & { targets: NlbTarget[] }) | undefined
    await this.#kubernetes.eventually(
      `healthy targets of port ${port} of ${nlb.dnsName}`,
      async () => {
        const listener = await listenerOn(aws, nlb, port)
        found = { ...listener, targets: await targetsOf(aws, listener) }
        if (found.targets.length === 0) return 'its target group has no targets'
        const ill = found.targets.filter(({ state }) => state !== 'healthy' && state !== 'draining')
        return ill.length ? ill.map(({ id, state, reason }) => `${id} is ${state}: ${reason}`).join('; ') : undefined
      },
      'targetsHealthy',
    )
    return found!
  }
}
