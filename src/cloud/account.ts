import { DescribeInstancesCommand, paginateDescribeSubnets } from '@aws-sdk/client-ec2'
import { DescribeNodegroupCommand, paginateListNodegroups } from '@aws-sdk/client-eks'
import {
  GetInstanceProfileCommand,
  ListOpenIDConnectProvidersCommand,
  paginateListAttachedRolePolicies,
} from '@aws-sdk/client-iam'
import type { KubernetesObject } from '../core/object.ts'
import type { Aws } from './aws.ts'
import type { EksCluster } from './eks-cluster.ts'

/** The issuers, without https://, that IAM has an OpenID Connect provider for. */
export async function openIdProviders(aws: Aws): Promise<string[]> {
  const { OpenIDConnectProviderList = [] } = await aws.iam.send(new ListOpenIDConnectProvidersCommand({}))
  return OpenIDConnectProviderList.map(({ Arn = '' }) => Arn.slice(Arn.indexOf('oidc-provider/') + 14))
}

/** A policy that is attached to a role; what an AWS one allows is known by its name. */
export interface AttachedPolicy {
  name: string
  isOfAws: boolean
}

/** The managed policies that are attached to a role, AWS's and the account's own. */
export async function policiesOf(aws: Aws, roleArn: string): Promise<AttachedPolicy[]> {
  const policies: AttachedPolicy[] = []
  const query = { RoleName: roleArn.split('/').at(-1) }
  for await (const page of paginateListAttachedRolePolicies({ client: aws.iam }, query))
    for (const { PolicyName: name = '', PolicyArn = '' } of page.AttachedPolicies ?? [])
      policies.push({ name, isOfAws: /^arn:aws[^:]*:iam::aws:policy\//.test(PolicyArn) })
  return policies
}

/**
 * The ARNs of the IAM roles of the nodes: those of node groups and of auto mode, and for all other nodes (Karpenter's,
 * self-managed) those of the instance profiles of their instances.
 */
export async function workerRoles(
  aws: Aws,
  cluster: EksCluster,
  nodes: readonly KubernetesObject[],
): Promise<string[]> {
  const roles = new Set<string>(cluster.autoModeRole ? [cluster.autoModeRole] : [])
  const clusterName = cluster.name
  for await (const page of paginateListNodegroups({ client: aws.eks }, { clusterName })) {
    for (const nodegroupName of page.nodegroups ?? []) {
      const { nodegroup } = await aws.eks.send(new DescribeNodegroupCommand({ clusterName, nodegroupName }))
      if (nodegroup?.nodeRole) roles.add(nodegroup.nodeRole)
    }
  }
  const others = nodes.filter(
    ({ metadata }) =>
      !metadata?.labels?.['eks.amazonaws.com/nodegroup'] &&
      metadata?.labels?.['eks.amazonaws.com/compute-type'] !== 'auto',
  )
  const instances = others.flatMap(({ spec }) => /\/(i-[0-9a-f]+)$/.exec(String(spec?.providerID))?.[1] ?? [])
  if (instances.length === 0) return [...roles]
  const { Reservations = [] } = await aws.ec2.send(new DescribeInstancesCommand({ InstanceIds: instances }))
  const profiles = new Set(
    Reservations.flatMap(({ Instances = [] }) => Instances).flatMap(({ IamInstanceProfile }) => {
      return IamInstanceProfile?.Arn?.split('/').at(-1) ?? []
    }),
  )
  for (const InstanceProfileName of profiles) {
    const { InstanceProfile } = await aws.iam.send(new GetInstanceProfileCommand({ InstanceProfileName }))
    for (const { Arn } of InstanceProfile?.Roles ?? []) if (Arn) roles.add(Arn)
  }
  return [...roles]
}

/** The subnets of a VPC. */
export async function subnetsOf(
  aws: Aws,
  vpc: string,
): Promise<{ id: string; zone: string; tags: Record<string, string> }[]> {
  const subnets: { id: string; zone: string; tags: Record<string, string> }[] = []
  const query = { Filters: [{ Name: 'vpc-id', Values: [vpc] }] }
  for await (const page of paginateDescribeSubnets({ client: aws.ec2 }, query)) {
    for (const { SubnetId = '', AvailabilityZone = '', Tags = [] } of page.Subnets ?? []) {
      const tags = Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]))
      subnets.push({ id: SubnetId, zone: AvailabilityZone, tags })
    }
  }
  return subnets
}
