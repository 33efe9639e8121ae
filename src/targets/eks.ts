import type { AwsPlace } from '../config/run-info.ts'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { Aws } from '../cloud/aws.ts'
import { describeCluster, type EksCluster } from '../cloud/eks-cluster.ts'
import { UsageProblem } from '../core/problem.ts'
import type { StackConfig } from '../config/stack-schema.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** The region, profile and endpoint of a stack: its own, else the environment's. */
export function awsPlace({ aws }: StackConfig, regionFound?: string): AwsPlace | undefined {
  const region = aws.region ?? regionFound ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION
  return region ? { region, profile: aws.profile, endpoint: aws.endpoint } : undefined
}

/** As awsPlace. @throws UsageProblem where no region is known */
export function knownPlace(config: StackConfig): AwsPlace {
  const place = awsPlace(config)
  if (place) return place
  throw new UsageProblem('No region of AWS is known: give --region, aws.region in stack.yaml, or AWS_REGION.')
}

/** An EKS cluster that has been found: the stack with the way in, who asks, and what AWS says of the cluster. */
export interface EksReached {
  config: StackConfig
  aws: Aws
  caller: string
  cluster: EksCluster
}

/**
 * Finds the cluster of a stack by its name, and writes a kubeconfig for it into .eks/, which holds no secret: its
 * tokens come from `plumbline token`. Where the stack names a context, that is the way in.
 * @throws UsageProblem where no region is known or there is no such cluster, ClusterProblem for credentials and the
 * network, NotAllowed
 */
export async function reachEks(config: StackConfig): Promise<EksReached> {
  const place = knownPlace(config)
  const aws = new Aws(place)
  const caller = await aws.caller()
  const cluster = await describeCluster(aws, config.cluster.name)
  return { config: config.context ? config : wayIn(config, place, cluster), aws, caller, cluster }
}

function wayIn(config: StackConfig, place: AwsPlace, { name, endpoint, ca }: EksCluster): StackConfig {
  const folder = join(ROOT, '.eks')
  const file = join(folder, `${place.region}-${name}.yaml`)
  const args = [
    ...[join(ROOT, 'src', 'cli', 'main.ts'), 'token', '--name', name, '--region', place.region],
    ...(place.profile ? ['--profile', place.profile] : []),
    ...(place.endpoint ? ['--endpoint', place.endpoint] : []),
  ]
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: process.execPath,
    args,
    interactiveMode: 'Never',
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    file,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server: endpoint, 'certificate-authority-data': ca } }],
      users: [{ name, user: { exec } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    }),
    { mode: 0o600 },
  )
  return { ...config, kubeconfig: file, context: name }
}
