import {
  DescribeLoadBalancersCommand,
  DescribeTargetGroupsCommand,
  paginateDescribeTargetGroups,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { Aws } from './aws.ts'

/** The ARNs of a load balancer and its target groups, which must be gone after its Service. */
export interface NlbParts {
  arn: string
  targetGroups: string[]
}

/** The target groups of a load balancer. */
export async function partsOf(aws: Aws, arn: string): Promise<NlbParts> {
  const targetGroups: string[] = []
  for await (const page of paginateDescribeTargetGroups({ client: aws.elb }, { LoadBalancerArn: arn }))
    targetGroups.push(...(page.TargetGroups ?? []).flatMap(({ TargetGroupArn }) => TargetGroupArn ?? []))
  return { arn, targetGroups }
}

/** What AWS still has of them, in words; undefined where all of it is gone. */
export async function leftOf(aws: Aws, { arn, targetGroups }: NlbParts): Promise<string | undefined> {
  const exists = async (describe: () => Promise<unknown>) => {
    try {
      await describe()
      return true
    } catch (problem) {
      if (problem instanceof Error && /^(LoadBalancer|TargetGroup)NotFound(Exception)?$/.test(problem.name))
        return false
      throw problem
    }
  }
  if (await exists(() => aws.elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [arn] }))))
    return `load balancer ${arn.split('loadbalancer/')[1]}`
  const groups = await Promise.all(
    targetGroups.map((group) =>
      exists(() => aws.elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [group] }))),
    ),
  )
  const left = groups.filter(Boolean).length
  return left ? `${left} of ${targetGroups.length} target groups` : undefined
}
