import { Aws } from './aws.ts'
import { describeCluster, type EksCluster } from './eks-cluster.ts'
import { findNlb, listenerOn, targetsOf, type Nlb, type NlbListener, type NlbTarget } from './nlb.ts'
import { StackFailure } from '../core/problem.ts'
import type { Stack } from '../stack/stack.ts'

/** What AWS holds of the stack: the EKS cluster and the load balancer in front of the gateway, each described once a run. */
export class Cloud {
  readonly #stack: Stack
  #aws: Aws | undefined
  #cluster: Promise<EksCluster> | undefined
  #nlb: Promise<Nlb> | undefined

  constructor(stack: Stack) {
    this.#stack = stack
  }

  /** AWS's APIs. @throws StackFailure where the run does not know where to ask */
  get aws(): Aws {
    const place = this.#stack.run.aws
    if (!place) throw new StackFailure('stack.yaml names no region of AWS (aws.region).')
    return (this.#aws ??= new Aws(place))
  }

  /** The cluster, described once a run. @throws StackFailure where the run does not know its name */
  cluster(): Promise<EksCluster> {
    const name = this.#stack.run.aws?.cluster
    if (!name) throw new StackFailure("The EKS cluster's name is not known: give it in stack.yaml (cluster.name).")
    return (this.#cluster ??= describeCluster(this.aws, name))
  }

  /** The gateway's load balancer, by the DNS name in the status of its Service. */
  nlb(): Promise<Nlb> {
    return (this.#nlb ??= this.#nlbNow())
  }

  async #nlbNow(): Promise<Nlb> {
    const { namespace, service } = this.#stack.config.gateway
    return findNlb(this.aws, await this.hostname(), `${namespace}/${service}`)
  }

  /** The DNS name in the status of the gateway's Service. @throws StackFailure where it has none */
  async hostname(): Promise<string> {
    const { namespace, service: name } = this.#stack.config.gateway
    const service = await this.#stack.one('v1/Service', name, namespace)
    const first = service.status?.loadBalancer?.ingress?.[0] as { hostname?: string } | undefined
    if (!first?.hostname)
      throw new StackFailure(`Service ${namespace}/${name} has no load balancer's hostname in its status.`)
    return first.hostname
  }

  /** The targets behind a port of the load balancer, with their states: asked anew each time, they change by themselves. */
  async targets(port: number): Promise<NlbTarget[]> {
    return targetsOf(this.aws, await listenerOn(this.aws, await this.nlb(), port))
  }

  /** The load balancer once it is no longer provisioned, which takes some minutes. */
  async untilProvisioned(): Promise<Nlb> {
    let nlb: Nlb | undefined
    await this.#stack.eventually(
      `the load balancer ${await this.hostname()} to be provisioned`,
      async () => {
        nlb = await this.#nlbNow()
        // Any other state does not pass by itself.
        return nlb.state === 'provisioning' ? 'it is still provisioning' : undefined
      },
      'nlbActive',
    )
    return nlb!
  }

  /** The listener on a port and its targets, once there are some and all are healthy. */
  async untilHealthy(port: number): Promise<NlbListener & { targets: NlbTarget[] }> {
    const { aws } = this
    const nlb = await this.nlb()
    let found: (NlbListener & { targets: NlbTarget[] }) | undefined
    await this.#stack.eventually(
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
