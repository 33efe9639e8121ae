import { StackFailure } from '../core/problem.ts'
import type { KubernetesObject } from '../core/object.ts'
import { readyPods } from '../kube/pods.ts'
import { selects } from '../kube/selector.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { gatewayName } from '../cluster/gateway-service.ts'

/** The controller that gives Services of type LoadBalancer their addresses. */
export interface LoadBalancerController {
  kind: 'aws' | 'metallb'
  namespace: string
  deployment: KubernetesObject
  /** The labels of its pods. */
  labels: Record<string, string>
  /** Whether the lines of its log say that its last attempt to reconcile the gateway's load balancer succeeded. */
  reconciled: (lines: readonly string[]) => boolean
}

/** The DNS name of an AWS load balancer of any kind: those of NLBs have the region last, those of older kinds first. */
export const ELB_HOSTNAME = /\.(elb\.[a-z0-9-]+|[a-z0-9-]+\.elb)\.amazonaws\.com(\.cn)?$/

const AWS_NAME = 'aws-load-balancer-controller'

/**
 * Finds the load balancer's controller: the AWS Load Balancer Controller where it is installed, else MetalLB.
 * @throws StackFailure where neither is
 */
export async function loadBalancerController(cluster: Cluster): Promise<LoadBalancerController> {
  const deployments = await cluster.all('apps/v1/Deployment')
  const find = (namespace: string, name: string) =>
    deployments.find(({ metadata }) => metadata?.namespace === namespace && metadata?.name === name)
  const { namespace, name: service } = await gatewayName(cluster)
  const aws = find('kube-system', AWS_NAME)
  if (aws) {
    return {
      kind: 'aws',
      namespace: 'kube-system',
      deployment: aws,
      labels: aws.spec?.selector?.matchLabels ?? {},
      // kubernetes-sigs/aws-load-balancer-controller v3.5.0, controllers/service/service_controller.go: it never logs
      // "Successfully created LB".
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
      // It logs the end of each attempt, and before that why the attempt failed.
      reconciled: (lines) => {
        const attempts = lines.filter(
          (line) => line.includes(`${namespace}/${service}`) && /"end reconcile"|failed to handle service/.test(line),
        )
        return (
          attempts.length > 0 &&
          /"end reconcile"/.test(attempts.at(-1)!) &&
          !/failed to handle service/.test(attempts.at(-2) ?? '')
        )
      },
    }
  }
  throw new StackFailure(
    'No load balancer controller found: ' +
      `neither Deployment kube-system/${AWS_NAME} nor Deployment metallb-system/controller exists.`,
  )
}

/** The names of the nodes on which no pod of MetalLB's DaemonSet is Ready. */
export async function nodesWithoutSpeaker(cluster: Cluster, speaker: KubernetesObject): Promise<string[]> {
  const { namespace } = speaker.metadata ?? {}
  const pods = readyPods(await cluster.all('v1/Pod')).filter(
    ({ metadata }) => metadata?.namespace === namespace && selects(speaker.spec?.selector, metadata?.labels ?? {}),
  )
  const served = new Set(pods.map(({ spec }) => spec?.nodeName as string))
  const nodes = (await cluster.all('v1/Node')).map(({ metadata }) => metadata?.name ?? '')
  return nodes.filter((node) => !served.has(node))
}
