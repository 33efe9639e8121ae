import { Aws } from '../cloud/aws.ts'
import { ClusterProblem, NotAllowed } from '../core/problem.ts'
import type { RunInfo } from '../config/run-info.ts'
import type { StackConfig } from '../config/stack-schema.ts'
import type { SharedKubeConfig } from '../kube/connection.ts'
import type { Kubernetes } from '../kube/kubernetes.ts'
import { ELB_HOSTNAME } from '../cloud/elb-hostname.ts'
import { valueOr } from '../survey/fact.ts'
import type { Survey } from '../survey/survey.ts'
import { eksOf } from '../cloud/eks-kubeconfig.ts'
import { awsPlace, reachEks } from '../targets/eks.ts'

/** How a run reaches AWS, or why it does not: a reason that is not excused leaves the verdict incomplete. */
export interface AwsAccess {
  aws?: RunInfo['aws']
  lacking: Pick<RunInfo['lacking'], 'nlb' | 'eks'>
}

type Lack = { reason: string; excused: boolean }

const NO_EKS: Lack = { reason: 'needs an EKS cluster', excused: true }

/**
 * Finds out whether the AWS APIs can be asked about the cluster and its load balancer: on target eks always; on an
 * existing cluster where its kubeconfig says that it is EKS, or where its load balancer has a DNS name of AWS; on a
 * twin with AWS APIs.
 */
export async function awsAccess(
  config: StackConfig,
  kubeConfig: SharedKubeConfig,
  api: Kubernetes,
  survey: Survey,
): Promise<AwsAccess> {
  const found = eksOf(kubeConfig)
  const isTwin = config.target === 'twin' && config.twin.cloud === 'aws'
  const isEks = config.target === 'eks' || isTwin || (config.target === 'existing' && (await saysEks(found, api)))
  const isAws = isEks || hasAwsBalancer(config, survey)
  if (!isAws) {
    const nlb = { reason: 'needs an AWS load balancer', excused: true }
    return { lacking: { nlb, eks: NO_EKS } }
  }
  const unasked = (reason: string): AwsAccess => ({
    lacking: { nlb: { reason, excused: false }, eks: isEks ? { reason, excused: false } : NO_EKS },
  })
  const place = awsPlace(config, found.region)
  if (!place) return unasked('AWS region unknown: set --region, aws.region in stack.yaml, or AWS_REGION')
  const cluster = config.target === 'existing' ? found.cluster : config.cluster.name
  const aws = new Aws(place)
  try {
    const caller = await aws.caller()
    return { aws: { ...place, caller, ...(isEks && cluster ? { cluster } : {}) }, lacking: eksLack(isEks, cluster) }
  } catch (problem) {
    if (problem instanceof ClusterProblem || problem instanceof NotAllowed) return unasked(problem.message)
    throw problem
  } finally {
    aws.close()
  }
}

function eksLack(isEks: boolean, cluster: string | undefined): { eks?: Lack } {
  if (!isEks) return { eks: NO_EKS }
  if (cluster) return {}
  const reason =
    'name of the EKS cluster unknown (the kubeconfig does not have it): run certify with --target eks --name NAME'
  return { eks: { reason, excused: false } }
}

/** A cluster that is EKS by its kubeconfig, or by what its API server calls its version (v1.34.1-eks-0123abc). */
async function saysEks(found: ReturnType<typeof eksOf>, api: Kubernetes): Promise<boolean> {
  if (found.isEks) return true
  const { gitVersion } = await api.json<{ gitVersion: string }>('/version')
  return gitVersion.includes('-eks-')
}

/** Whether the load balancer of a gateway, or the address that stack.yaml has for it, is AWS's. */
function hasAwsBalancer({ addresses }: StackConfig, survey: Survey): boolean {
  const balancers = valueOr(survey.gateways, []).flatMap(({ balancer }) => valueOr(balancer, undefined) ?? [])
  const names = [addresses.ingress ?? '', ...balancers.flatMap((balancer) => balancer.addresses)]
  return names.some((name) => ELB_HOSTNAME.test(name)) || balancers.some(({ maker }) => maker === 'tgb')
}

/** The stack with the way into it: for eks a kubeconfig of its own. */
export const withWayIn = async (config: StackConfig): Promise<StackConfig> => {
  if (config.target !== 'eks') return config
  const { config: reached, aws } = await reachEks(config)
  aws.close()
  return reached
}
