import { associationsOf, type Identified } from './pod-identity.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Cloud } from './cloud.ts'

/** The annotation of a ServiceAccount that has a role by IRSA. */
export const IRSA = 'eks.amazonaws.com/role-arn'

/** The IAM role of a ServiceAccount, and by which way it has it; undefined where it has none. */
export async function roleOf(
  stack: Cluster & { cloud: Cloud },
  of: Identified,
): Promise<{ arn: string; by: string } | undefined> {
  const account = await stack.maybe('v1/ServiceAccount', of.account, of.namespace)
  if (!account) return undefined
  const annotated = account.metadata?.annotations?.[IRSA]
  // The SDKs look for a web identity before they ask the agent of Pod Identity (EKS User Guide, "How EKS Pod Identity works").
  if (annotated) return { arn: annotated, by: 'IRSA' }
  const [association] = await associationsOf(stack.cloud.aws, (await stack.cloud.cluster()).name, of)
  return association && { arn: association.role, by: 'a Pod Identity association' }
}
