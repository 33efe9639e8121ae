import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import type { Cluster } from '../cluster/cluster.ts'

/** The controller that gives Services of type LoadBalancer their addresses. */
export interface LoadBalancerController {
  kind: 'aws' | 'metallb'
  namespace: string
  deployment: KubernetesObject
  /** The labels of its pods. */
  labels: Record<string, string>
  /** Whether the lines of its log say that the gateway's load balancer was made or reconciled, at the last time that it was tried. */
  reconciled: (lines: readonly string[]) => boolean
}

/** The name of a load balancer of AWS: NLBs have the region last, the older kinds first. Which kind it is AWS tells, not the name. */
export const ELB_HOSTNAME = /\.(elb\.[a-z0-9-]+|[a-z0-9-]+\.elb)\.amazonaws\.com(\.cn)?$/

const AWS_NAME = 'aws-load-balancer-controller'

/**
 * Finds the load balancer's controller: the AWS Load Balancer Controller where it is installed, else MetalLB.
 * @throws StackFailure where neither is
 */
export async function loadBalancerController(cluster: Cluster): Promise<LoadBalancerController> {
  const deployments = await cluster.all('apps/v1/Deployment')
  const find = (namespace: string, name: string) =>
    deployments.find((each) => each.metadata?.namespace === namespace && each.metadata?.name === name)
  const { namespace, service } = cluster.config.gateway
  const aws = find('kube-system', AWS_NAME)
  if (aws) {
    return {
      kind: 'aws',
      namespace: 'kube-system',
      deployment: aws,
      labels: aws.spec?.selector?.matchLabels ?? {},
      // kubernetes-sigs/aws-load-balancer-controller v3.5.0, controllers/service/service_controller.go; it never logs "Successfully created LB".
      reconciled: (lines) =>
        lines.some(
          (line) => line.includes(`${namespace}/${service}`) && /successfully (built|deployed) model/.test(line),
        ),
    }
  }
  const metallb = find('metallb-system', 'controller')
  if (metallb) {
    return {
      kind: 'metallb',
      namespace: 'metallb-system',
      deployment: metallb,
      labels: metallb.spec?.selector?.matchLabels ?? {},
      // It logs the end of each try, and before it why that failed.
      reconciled: (lines) => {
        const tries = lines.filter(
          (line) => line.includes(`${namespace}/${service}`) && /"end reconcile"|failed to handle service/.test(line),
        )
        return (
          tries.length > 0 &&
          /"end reconcile"/.test(tries.at(-1)!) &&
          !/failed to handle service/.test(tries.at(-2) ?? '')
        )
      },
    }
  }
  throw new StackFailure(
    `There is no load balancer controller: neither Deployment kube-system/${AWS_NAME} nor metallb-system/controller exists.`,
  )
}
