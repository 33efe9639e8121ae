import {
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  paginateDescribeListeners,
  paginateDescribeLoadBalancers,
  type LoadBalancer,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { StackFailure } from '../core/problem.ts'
import type { Aws } from './aws.ts'

/** One target of a target group, and its health by AWS. */
export interface NlbTarget {
  id: string
  address: string
  /** The zone that the target was registered in; 'all' for an address outside the VPC. */
  zone: string
  state: string
  reason: string
}

/** One listener of a network load balancer, and its target groups. */
export interface NlbListener {
  port: number
  protocol: string
  /** Where there are any, the load balancer terminates TLS. */
  certificates: string[]
  targetGroups: string[]
}

/** A load balancer as AWS describes it. */
export interface Nlb {
  arn: string
  dnsName: string
  type: string
  scheme: string
  /** provisioning, active, active_impaired or failed, and why. */
  state: string
  reason: string
  /** The zones that are enabled. */
  zones: string[]
}

// DescribeTags takes at most 20 ARNs.
const TAGGED_AT_ONCE = 20

/** The tags that name the Service: those of the AWS Load Balancer Controller (pkg/deploy/tracking) and of Auto Mode. */
const STACK_TAGS = ['service.k8s.aws/stack', 'service.eks.amazonaws.com/stack'] as const

/**
 * Finds the load balancer with the DNS name of the Service's status.
 * @param stack the Service as NAMESPACE/NAME, to find a load balancer that the controller tagged for it
 * @throws StackFailure where there is none of that name, with the one that is tagged for the Service
 */
export async function findNlb(aws: Aws, dnsName: string, stack: string): Promise<Nlb> {
  const all: LoadBalancer[] = []
  for await (const page of paginateDescribeLoadBalancers({ client: aws.elb }, {}))
    all.push(...(page.LoadBalancers ?? []))
  const found = all.find(({ DNSName }) => DNSName === dnsName)
  if (found) return toNlb(found)
  const tagged = await taggedWith(aws, all, STACK_TAGS, stack)
  const { region } = aws.place
  if (tagged) {
    throw new StackFailure(
      `Load balancer ${dnsName} not found in ${region}: the one tagged for Service ${stack} is ${tagged.DNSName}, ` +
        'so status.loadBalancer of the Service is stale.',
    )
  }
  throw new StackFailure(
    `Load balancer ${dnsName} not found in ${region} (found: ${all.length} others): ` +
      "check that this is the cluster's region and account.",
  )
}

/**
 * The load balancer that leads to a target group.
 * @throws StackFailure where AWS has no such group, or none leads to it
 */
export async function nlbOfTargetGroup(aws: Aws, arn: string): Promise<Nlb> {
  const { TargetGroups = [] } = await aws.elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [arn] }))
  const LoadBalancerArns = TargetGroups.flatMap((group) => group.LoadBalancerArns ?? [])
  if (LoadBalancerArns.length === 0) throw new StackFailure(`No load balancer leads to target group ${arn}.`)
  const { LoadBalancers = [] } = await aws.elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns }))
  return toNlb(LoadBalancers[0]!)
}

async function taggedWith(
  aws: Aws,
  all: readonly LoadBalancer[],
  keys: readonly string[],
  value: string,
): Promise<LoadBalancer | undefined> {
  for (let at = 0; at < all.length; at += TAGGED_AT_ONCE) {
    const batch = all.slice(at, at + TAGGED_AT_ONCE)
    const tags = await tagsOf(
      aws,
      batch.flatMap(({ LoadBalancerArn }) => LoadBalancerArn ?? []),
    )
    const found = batch.find(({ LoadBalancerArn = '' }) =>
      keys.some((key) => tags.get(LoadBalancerArn)?.[key] === value),
    )
    if (found) return found
  }
  return undefined
}

/** The tags of load balancers or target groups, by ARN. */
export async function tagsOf(aws: Aws, arns: readonly string[]): Promise<Map<string, Record<string, string>>> {
  const { TagDescriptions = [] } = await aws.elb.send(new DescribeTagsCommand({ ResourceArns: [...arns] }))
  return new Map(
    TagDescriptions.map(({ ResourceArn = '', Tags = [] }) => [
      ResourceArn,
      Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value])),
    ]),
  )
}

const toNlb = (balancer: LoadBalancer): Nlb => ({
  arn: balancer.LoadBalancerArn ?? '',
  dnsName: balancer.DNSName ?? '',
  type: balancer.Type ?? '',
  scheme: balancer.Scheme ?? '',
  state: balancer.State?.Code ?? '',
  reason: balancer.State?.Reason ?? '',
  zones: (balancer.AvailabilityZones ?? []).flatMap(({ ZoneName }) => ZoneName ?? []),
})

/** The load balancer's attributes, as 'load_balancing.cross_zone.enabled'. */
export async function attributesOf(aws: Aws, { arn }: Nlb): Promise<Record<string, string>> {
  const { Attributes = [] } = await aws.elb.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: arn }))
  return Object.fromEntries(Attributes.map(({ Key = '', Value = '' }) => [Key, Value]))
}

/** All listeners of a load balancer. */
export async function listenersOf(aws: Aws, { arn }: Nlb): Promise<NlbListener[]> {
  const listeners: NlbListener[] = []
  for await (const page of paginateDescribeListeners({ client: aws.elb }, { LoadBalancerArn: arn })) {
    for (const { Port = 0, Protocol = '', Certificates = [], DefaultActions = [] } of page.Listeners ?? []) {
      const groups = DefaultActions.flatMap(({ TargetGroupArn, ForwardConfig }) => [
        ...(ForwardConfig?.TargetGroups ?? []).flatMap((group) => group.TargetGroupArn ?? []),
        ...(TargetGroupArn ? [TargetGroupArn] : []),
      ])
      listeners.push({
        port: Port,
        protocol: Protocol,
        certificates: Certificates.flatMap(({ CertificateArn }) => CertificateArn ?? []),
        targetGroups: [...new Set(groups)],
      })
    }
  }
  return listeners
}

/** The listener on a port. @throws StackFailure where there is none */
export async function listenerOn(aws: Aws, nlb: Nlb, port: number): Promise<NlbListener> {
  const listeners = await listenersOf(aws, nlb)
  const listener = listeners.find((candidate) => candidate.port === port)
  if (!listener) {
    const ports = listeners.map((other) => `${other.protocol} ${other.port}`).join(', ')
    throw new StackFailure(`Load balancer ${nlb.dnsName}: no listener on port ${port} (it has ${ports || 'none'}).`)
  }
  return listener
}

/** The targets of a listener with their health now. */
export async function targetsOf(aws: Aws, { targetGroups }: NlbListener): Promise<NlbTarget[]> {
  const health = await Promise.all(
    targetGroups.map((TargetGroupArn) => aws.elb.send(new DescribeTargetHealthCommand({ TargetGroupArn }))),
  )
  return health
    .flatMap(({ TargetHealthDescriptions = [] }) => TargetHealthDescriptions)
    .map(({ Target, TargetHealth }) => ({
      id: `${Target?.Id}:${Target?.Port}`,
      address: Target?.Id ?? '',
      zone: Target?.AvailabilityZone ?? '',
      state: TargetHealth?.State ?? '',
      reason: TargetHealth?.Description ?? TargetHealth?.Reason ?? 'AWS gives no reason',
    }))
}
