import { associationsOf, type ServiceAccountName } from './pod-identity.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Cloud } from './cloud.ts'

/** The annotation of a ServiceAccount that has a role by IRSA. */
export const IRSA = 'eks.amazonaws.com/role-arn'

/** The IAM role of a ServiceAccount, and by what it has that role; undefined where it has none. */
export async function roleOf(
  stack: Cluster & { cloud: Cloud },
  { namespace, account }: ServiceAccountName,
): Promise<{ arn: string; by: string } | undefined> {
  const object = await stack.maybe('v1/ServiceAccount', account, namespace)
  if (!object) return undefined
  const annotated = object.metadata?.annotations?.[IRSA]
  // The SDKs look for a web identity before they ask the Pod Identity agent (EKS User Guide, "How EKS Pod Identity
  // works").
  if (annotated) return { arn: annotated, by: 'IRSA' }
  const { name } = await stack.cloud.cluster()
  const [association] = await associationsOf(stack.cloud.aws, name, { namespace, account })
  return association && { arn: association.role, by: 'a Pod Identity association' }
}
