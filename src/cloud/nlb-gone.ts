import {
  DescribeLoadBalancersCommand,
  DescribeTargetGroupsCommand,
  paginateDescribeTargetGroups,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { Aws } from './aws.ts'

/** A load balancer with its target groups, by ARN: what must be gone after its Service. */
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

/** What of them AWS still has, in words; undefined where all is gone. */
export async function leftOf(aws: Aws, { arn, targetGroups }: NlbParts): Promise<string | undefined> {
  const there = async (ask: () => Promise<unknown>) => {
    try {
      await ask()
      return true
    } catch (problem) {
      if (problem instanceof Error && /^(LoadBalancer|TargetGroup)NotFound(Exception)?$/.test(problem.name))
        return false
      throw problem
    }
  }
  if (await there(() => aws.elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [arn] }))))
    return `the load balancer ${arn.split('loadbalancer/')[1]}`
  const groups = await Promise.all(
    targetGroups.map((each) => there(() => aws.elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [each] })))),
  )
  const left = groups.filter(Boolean).length
  return left ? `${left} of ${targetGroups.length} target groups` : undefined
}
