import {
  DescribeListenersCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  paginateDescribeLoadBalancers,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { StackFailure } from '../check/problem.ts'

/** One listener of a network load balancer, and who its connections go to. */
export interface NlbListener {
  protocol: string
  /** TLS ends at the load balancer where there are any. */
  certificates: string[]
  targets: { id: string; state: string; reason: string }[]
}

/**
 * Asks AWS for the listener on a port of the load balancer with a DNS name: by that, which is in the Service's status. Credentials are
 * those of the environment, as AWS's own tools find them.
 * @throws StackFailure where there is no such load balancer, or no listener on the port
 */
export async function nlbListener(region: string, dnsName: string, port: number): Promise<NlbListener> {
  const client = new ElasticLoadBalancingV2Client({ region })
  try {
    let arn: string | undefined
    for await (const page of paginateDescribeLoadBalancers({ client }, {}))
      arn ??= page.LoadBalancers?.find(({ DNSName }) => DNSName === dnsName)?.LoadBalancerArn
    if (!arn) throw new StackFailure(`AWS knows no load balancer ${dnsName} in ${region}.`)
    const { Listeners = [] } = await client.send(new DescribeListenersCommand({ LoadBalancerArn: arn }))
    const listener = Listeners.find((each) => each.Port === port)
    if (!listener) throw new StackFailure(`The load balancer ${dnsName} has no listener on port ${port}.`)
    const groups = (listener.DefaultActions ?? []).flatMap(({ TargetGroupArn }) => TargetGroupArn ?? [])
    const health = await Promise.all(
      groups.map((TargetGroupArn) => client.send(new DescribeTargetHealthCommand({ TargetGroupArn }))),
    )
    return {
      protocol: listener.Protocol ?? '',
      certificates: (listener.Certificates ?? []).flatMap(({ CertificateArn }) => CertificateArn ?? []),
      targets: health
        .flatMap(({ TargetHealthDescriptions = [] }) => TargetHealthDescriptions)
        .map(({ Target, TargetHealth }) => ({
          id: `${Target?.Id}:${Target?.Port}`,
          state: TargetHealth?.State ?? '',
          reason: TargetHealth?.Description ?? TargetHealth?.Reason ?? '',
        })),
    }
  } finally {
    client.destroy()
  }
}
