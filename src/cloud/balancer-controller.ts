import { lastingTroubles } from '../cluster/lasting.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { DoesNotApply, StackFailure } from '../core/problem.ts'
import { deploymentTroubles } from '../kube/pods.ts'
import { valueOf } from '../survey/fact.ts'
import type { Gateway, LoadBalancer } from '../survey/survey.ts'
import { theGateway } from '../survey/surveyed.ts'
import { makerFacts, type MakerFacts } from './makers.ts'

/** Who makes the gateway's load balancer. */
export interface Balancing {
  gateway: Gateway
  /** 'Service NAMESPACE/NAME' of the gateway. */
  service: string
  balancer: LoadBalancer
  facts: MakerFacts
}

/** Who makes the gateway's load balancer, by a controller that runs in the cluster. */
export interface BalancerController extends Balancing {
  controller: NonNullable<LoadBalancer['controller']>
}

/**
 * Who makes the gateway's load balancer.
 * @throws StackFailure where nobody does; DoesNotApply where its Service has none, and is not meant to have one
 */
export async function balancing(cluster: Cluster): Promise<Balancing> {
  const gateway = await theGateway(cluster)
  const balancer = valueOf(gateway.balancer)
  const service = `Service ${gateway.service.namespace}/${gateway.service.name}`
  if (balancer.maker === 'none') {
    const { ingress } = cluster.config.addresses
    if (ingress)
      throw new DoesNotApply(
        `${service} has no load balancer that is made in the cluster: addresses.ingress of stack.yaml is ${ingress}.`,
      )
    if (gateway.service.type !== 'LoadBalancer')
      throw new DoesNotApply(`${service} is of type ${gateway.service.type}: nothing makes a load balancer for it.`)
    throw new StackFailure(
      `${service} is of type LoadBalancer, but no controller makes its load balancer: ` +
        'install one (the AWS Load Balancer Controller, MetalLB), or set addresses.ingress in stack.yaml.',
    )
  }
  return { gateway, service, balancer, facts: makerFacts(balancer.maker) }
}

/**
 * The controller of the gateway's load balancer, in the cluster.
 * @throws StackFailure where it must be there and is not; DoesNotApply where it is none that could be looked at
 */
export async function balancerController(cluster: Cluster): Promise<BalancerController> {
  const found = await balancing(cluster)
  const { balancer, service, facts } = found
  if (balancer.controller) return { ...found, controller: balancer.controller }
  const made = `The load balancer of ${service} is made by ${facts.title}`
  if (facts.outside) throw new DoesNotApply(`${made}, which ${facts.outside}: there is no controller to look at.`)
  // A finalizer outlives its controller.
  if (facts.webhooks) throw new StackFailure(`${made}, whose Deployment is not in the cluster.`)
  throw new DoesNotApply(`${made}, of which no controller is known that could be looked at.`)
}

/** What the controller's Deployment lacks that does not come by itself. */
export const controllerTroubles = (
  cluster: Cluster,
  { controller: { namespace, name } }: BalancerController,
): Promise<string[]> =>
  lastingTroubles(cluster, { kind: 'apps/v1/Deployment', namespace }, (deployments) => {
    const found = deployments.find(({ metadata }) => metadata?.name === name)
    return found ? deploymentTroubles(found) : [`Deployment ${namespace}/${name} does not exist`]
  })
