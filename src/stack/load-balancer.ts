import { StackFailure } from '../check/problem.ts'
import type { KubernetesObject } from '../check/record.ts'
import type { Stack } from './stack.ts'

/** The controller that gives Services of type LoadBalancer their addresses. */
export interface LoadBalancerController {
  kind: 'aws' | 'metallb'
  namespace: string
  deployment: KubernetesObject
  /** The labels of its pods. */
  labels: Record<string, string>
  /** What its log says once the gateway's load balancer was made or reconciled (a line of it, by content). */
  doneInLog: RegExp
}

const AWS_NAME = 'aws-load-balancer-controller'

/**
 * Finds the load balancer's controller: the AWS Load Balancer Controller where it is installed, else MetalLB.
 * @throws StackFailure where neither is
 */
export async function loadBalancerController(stack: Stack): Promise<LoadBalancerController> {
  const deployments = await stack.all('apps/v1/Deployment')
  const find = (namespace: string, name: string) => deployments.find((each) => each.metadata?.namespace === namespace && each.metadata?.name === name)
  const { namespace, service } = stack.config.gateway
  const aws = find('kube-system', AWS_NAME)
  if (aws) {
    return {
      kind: 'aws',
      namespace: 'kube-system',
      deployment: aws,
      labels: aws.spec?.selector?.matchLabels ?? {},
      // kubernetes-sigs/aws-load-balancer-controller v3.5.0, controllers/service/service_controller.go; it never logs "Successfully created LB".
      doneInLog: new RegExp(`success(?:fully)? (?:built|deployed) model.*${namespace}/${service}|${namespace}/${service}.*successfully (?:built|deployed) model`),
    }
  }
  const metallb = find('metallb-system', 'controller')
  if (metallb) {
    return {
      kind: 'metallb',
      namespace: 'metallb-system',
      deployment: metallb,
      labels: metallb.spec?.selector?.matchLabels ?? {},
      doneInLog: new RegExp(`"end reconcile":"${namespace}/${service}"`),
    }
  }
  throw new StackFailure(`There is no load balancer controller: neither Deployment kube-system/${AWS_NAME} nor metallb-system/controller exists.`)
}

/** The EKS cluster's name as the kubeconfig tells it (its exec plugin's argument, or the ARN), or undefined. */
export function eksClusterName(stack: Stack): string | undefined {
  const args = (stack.k8s.config.getCurrentUser()?.exec as { args?: string[] } | undefined)?.args ?? []
  const at = args.findIndex((arg) => arg === '--cluster-name' || arg === '-i' || arg === '--cluster-id')
  if (at >= 0) return args[at + 1]
  const cluster = stack.k8s.config.getCurrentCluster()?.name ?? ''
  return /^arn:aws[^:]*:eks:.*:cluster\/(.+)$/.exec(cluster)?.[1]
}
