import {
  DescribeClusterCommand,
  paginateListClusters,
  ResourceNotFoundException,
  type Cluster,
} from '@aws-sdk/client-eks'
import { Sha256 } from '@smithy/core/checksum'
import { HttpRequest } from '@smithy/core/protocols'
import { SignatureV4 } from '@smithy/signature-v4'
import { NotAllowed, UsageProblem } from '../core/problem.ts'
import type { Aws } from './aws.ts'

// The API server takes a token for 15 minutes from its signing (aws-iam-authenticator, pkg/token); the one minute is for clocks.
const TOKEN_SECONDS = 14 * 60

/** An EKS cluster, as AWS describes it. */
export interface EksCluster {
  name: string
  endpoint: string
  /** PEM, as base64. */
  ca: string
  issuer: string
  vpc: string
  version: string
  /** The role of the nodes that EKS itself makes (auto mode). */
  autoModeRole?: string
}

/**
 * Describes a cluster.
 * @throws UsageProblem where there is none of that name in the region (with those that there are), or it is not ACTIVE
 */
export async function describeCluster(aws: Aws, name: string): Promise<EksCluster> {
  let cluster: Cluster | undefined
  try {
    ;({ cluster } = await aws.eks.send(new DescribeClusterCommand({ name })))
  } catch (problem) {
    if (!(problem instanceof ResourceNotFoundException)) throw problem
    throw new UsageProblem(
      `There is no EKS cluster "${name}" in ${aws.place.region}${await otherClusters(aws)}: give its name with --name, or the region in stack.yaml (aws.region).`,
      { cause: problem },
    )
  }
  if (cluster?.status !== 'ACTIVE')
    throw new UsageProblem(`The EKS cluster "${name}" is ${cluster?.status}: wait until it is ACTIVE.`)
  return {
    name,
    endpoint: cluster.endpoint ?? '',
    ca: cluster.certificateAuthority?.data ?? '',
    issuer: cluster.identity?.oidc?.issuer ?? '',
    vpc: cluster.resourcesVpcConfig?.vpcId ?? '',
    version: cluster.version ?? '',
    ...(cluster.computeConfig?.enabled && cluster.computeConfig.nodeRoleArn
      ? { autoModeRole: cluster.computeConfig.nodeRoleArn }
      : {}),
  }
}

/** What else is there, where one may ask. */
async function otherClusters(aws: Aws): Promise<string> {
  try {
    const names: string[] = []
    for await (const page of paginateListClusters({ client: aws.eks }, {})) names.push(...(page.clusters ?? []))
    return names.length ? `, which has ${names.join(', ')}` : ', which has none'
  } catch (problem) {
    if (problem instanceof NotAllowed) return ''
    throw problem
  }
}

/** A token for the cluster's API server, and when it ends. */
export interface EksToken {
  token: string
  endsAt: Date
}

/**
 * Makes a token: a presigned GetCallerIdentity of STS with the cluster's name among the signed headers, which the API server has STS
 * answer (aws-iam-authenticator). No call is made for it.
 */
export async function eksToken(aws: Aws, cluster: string): Promise<EksToken> {
  const { region, endpoint } = aws.place
  const url = new URL(endpoint ?? `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`)
  const signer = new SignatureV4({
    credentials: aws.sts.config.credentials,
    region,
    service: 'sts',
    sha256: Sha256,
  })
  const request = new HttpRequest({
    method: 'GET',
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port ? { port: Number(url.port) } : {}),
    path: '/',
    headers: { host: url.host, 'x-k8s-aws-id': cluster },
    query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
  })
  // It is named as signed, and sent as a header: what is hoisted into the query does not count.
  const signed = await signer.presign(request, { expiresIn: 60, unhoistableHeaders: new Set(['x-k8s-aws-id']) })
  const query = new URLSearchParams(signed.query as Record<string, string>)
  const presigned = `${url.protocol}//${url.host}/?${query}`
  return {
    token: `k8s-aws-v1.${Buffer.from(presigned).toString('base64url')}`,
    endsAt: new Date(Date.now() + TOKEN_SECONDS * 1000),
  }
}
