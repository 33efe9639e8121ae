import { associationsOf, type ServiceAccountName } from './pod-identity.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Ref } from '../survey/survey.ts'
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

/** The ServiceAccount of a Deployment's pods. */
export async function accountOf(cluster: Cluster, { namespace, name }: Ref): Promise<ServiceAccountName> {
  const { spec } = await cluster.one('apps/v1/Deployment', name, namespace)
  return { namespace, account: String(spec?.template?.spec?.serviceAccountName ?? 'default') }
}

/** The ServiceAccount of the VPC CNI's pods; undefined where another CNI is in its place, or none is needed. */
export async function cniAccountOf(cluster: Cluster): Promise<ServiceAccountName | undefined> {
  const cni = (await cluster.all('apps/v1/DaemonSet')).find(({ spec }) =>
    (spec?.template?.spec?.containers as { name: string }[] | undefined)?.some(({ name }) => name === 'aws-node'),
  )
  if (!cni) return undefined
  const account = String(cni.spec?.template?.spec?.serviceAccountName ?? 'default')
  return { namespace: cni.metadata?.namespace ?? '', account }
}
