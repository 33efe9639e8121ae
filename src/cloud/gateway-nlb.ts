import type { Cluster } from '../cluster/cluster.ts'
import { allServed } from '../cluster/served.ts'
import { DoesNotApply, StackFailure } from '../core/problem.ts'
import type { Maker } from '../config/load-balancer-makers.ts'
import type { Gateway } from '../survey/survey.ts'
import { theGateway } from '../survey/surveyed.ts'
import type { Aws } from './aws.ts'
import { balancing } from './balancer-controller.ts'
import { ELB_HOSTNAME } from './elb-hostname.ts'
import { findNlb, listenerOn, listenersOf, nlbOfTargetGroup, type Nlb, type NlbListener } from './nlb.ts'

/** Makers whose load balancers are AWS's: one without a DNS name is not made yet. */
const OF_AWS: readonly Maker[] = ['aws-lbc', 'eks-auto', 'ccm']

/** A target group that was made outside the cluster and is bound to a port of a Service. */
interface BoundGroup {
  arn: string
  port: number | string
}

/**
 * Finds the gateway's load balancer in AWS: by its DNS name in stack.yaml (addresses.ingress) or in the status of the
 * Service, or by the target group that a TargetGroupBinding names.
 * @throws StackFailure where it is not there; DoesNotApply where it is none of AWS's
 */
export async function findGatewayNlb(cluster: Cluster, aws: Aws): Promise<Nlb> {
  const { name, namespace } = (await theGateway(cluster)).service
  const { ingress = '' } = cluster.config.addresses
  if (ELB_HOSTNAME.test(ingress)) return findNlb(aws, ingress, `${namespace}/${name}`)
  const { gateway, balancer, service, facts } = await balancing(cluster)
  if (balancer.maker === 'tgb') {
    const [group] = await boundGroups(cluster, gateway)
    if (!group) throw new StackFailure(`${service}: no TargetGroupBinding names it any more.`)
    return nlbOfTargetGroup(aws, group.arn)
  }
  const hostname = balancer.addresses.find((address) => ELB_HOSTNAME.test(address))
  if (hostname) return findNlb(aws, hostname, `${namespace}/${name}`)
  if (OF_AWS.includes(balancer.maker))
    throw new StackFailure(`${service} has no load balancer's DNS name in its status.`)
  throw new DoesNotApply(`The load balancer of ${service} is made by ${facts.title}; it is none of AWS's.`)
}

/**
 * The listener of the gateway's load balancer that leads to a port of its Service: the one on that port, or with a
 * TargetGroupBinding the one with its target group.
 * @throws StackFailure where there is none
 */
export async function listenerTo(cluster: Cluster, aws: Aws, nlb: Nlb, port: number): Promise<NlbListener> {
  const gateway = await theGateway(cluster)
  const name = gateway.ports.find((each) => each.port === port)?.name
  const bound = (await boundGroups(cluster, gateway)).filter((group) => group.port === port || group.port === name)
  if (bound.length === 0) return listenerOn(aws, nlb, port)
  const targetGroups = bound.map(({ arn }) => arn)
  const listener = (await listenersOf(aws, nlb)).find((each) =>
    each.targetGroups.some((arn) => targetGroups.includes(arn)),
  )
  if (!listener)
    throw new StackFailure(`Load balancer ${nlb.dnsName}: no listener leads to ${targetGroups.join(' or ')}.`)
  return listener
}

/** The target groups that TargetGroupBindings of somebody, not of a controller, bind to the gateway's Service. */
async function boundGroups(cluster: Cluster, { service }: Gateway): Promise<BoundGroup[]> {
  const kinds = ['elbv2.k8s.aws/TargetGroupBinding', 'eks.amazonaws.com/TargetGroupBinding']
  const bindings = (await Promise.all(kinds.map((kind) => allServed(cluster, kind)))).flat()
  return bindings
    .filter(
      ({ metadata, spec }) =>
        metadata?.namespace === service.namespace &&
        spec?.serviceRef?.name === service.name &&
        !metadata?.labels?.['service.k8s.aws/stack-name'],
    )
    .flatMap(({ spec }) =>
      spec?.targetGroupARN ? { arn: String(spec.targetGroupARN), port: spec.serviceRef.port as number | string } : [],
    )
}
