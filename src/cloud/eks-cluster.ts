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

// A token is valid for 15 minutes from its signing (aws-iam-authenticator, pkg/token); a minute less for skewed clocks.
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
  /** The role of the nodes that EKS auto mode makes. */
  autoModeRole?: string
}

/**
 * Describes a cluster.
 * @throws UsageProblem where the region has no cluster of that name (with the names it has), or it is not ACTIVE
 */
export async function describeCluster(aws: Aws, name: string): Promise<EksCluster> {
  let cluster: Cluster | undefined
  try {
    ;({ cluster } = await aws.eks.send(new DescribeClusterCommand({ name })))
  } catch (problem) {
    if (!(problem instanceof ResourceNotFoundException)) throw problem
    throw new UsageProblem(
      `EKS cluster "${name}" not found in ${aws.place.region}${await otherClusters(aws)}: ` +
        'set --name, or aws.region in stack.yaml.',
      { cause: problem },
    )
  }
  if (cluster?.status !== 'ACTIVE')
    throw new UsageProblem(`EKS cluster "${name}" has status ${cluster?.status}: wait until it is ACTIVE.`)
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

/** The names of the other clusters, where IAM allows to list them. */
async function otherClusters(aws: Aws): Promise<string> {
  try {
    const names: string[] = []
    for await (const page of paginateListClusters({ client: aws.eks }, {})) names.push(...(page.clusters ?? []))
    return ` (found: ${names.join(', ') || 'none'})`
  } catch (problem) {
    if (problem instanceof NotAllowed) return ''
    throw problem
  }
}

/** A token for the cluster's API server, and when it expires. */
export interface EksToken {
  token: string
  endsAt: Date
}

/**
 * Makes a token as aws-iam-authenticator does: a presigned GetCallerIdentity of STS with the cluster's name among the
 * signed headers, which the API server sends to STS. It makes no call itself.
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
  // The name has to be a signed header: STS ignores it in the query.
  const signed = await signer.presign(request, { expiresIn: 60, unhoistableHeaders: new Set(['x-k8s-aws-id']) })
  const query = new URLSearchParams(signed.query as Record<string, string>)
  const presigned = `${url.protocol}//${url.host}/?${query}`
  return {
    token: `k8s-aws-v1.${Buffer.from(presigned).toString('base64url')}`,
    endsAt: new Date(Date.now() + TOKEN_SECONDS * 1000),
  }
}
