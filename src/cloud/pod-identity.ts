import {
  CreatePodIdentityAssociationCommand,
  DeletePodIdentityAssociationCommand,
  DescribePodIdentityAssociationCommand,
  paginateListPodIdentityAssociations,
  ResourceNotFoundException,
} from '@aws-sdk/client-eks'
import type { Aws } from './aws.ts'

/** The name of a ServiceAccount. */
export interface ServiceAccountName {
  namespace: string
  account: string
}

/** A Pod Identity association: its id, its role, and whether `plumbline up` made it. */
export interface Association {
  id: string
  role: string
  ours: boolean
}

// The tag of an association that is ours: it is created with the association, so it is there even if `up` was killed.
const MADE_BY = { 'plumbline.dev/made-by': 'up' }

/** The Pod Identity associations of a ServiceAccount; EKS allows one. */
export async function associationsOf(
  aws: Aws,
  clusterName: string,
  { namespace, account }: ServiceAccountName,
): Promise<Association[]> {
  const found: Association[] = []
  const query = { clusterName, namespace, serviceAccount: account }
  for await (const page of paginateListPodIdentityAssociations({ client: aws.eks }, query)) {
    for (const { associationId = '' } of page.associations ?? []) {
      const { association } = await aws.eks.send(
        new DescribePodIdentityAssociationCommand({ clusterName, associationId }),
      )
      const ours = Object.entries(MADE_BY).every(([key, value]) => association?.tags?.[key] === value)
      found.push({ id: associationId, role: association?.roleArn ?? '', ours })
    }
  }
  return found
}

/** Creates a Pod Identity association of a ServiceAccount with a role. Returns the id of the association. */
export async function associate(
  aws: Aws,
  clusterName: string,
  { namespace, account }: ServiceAccountName,
  role: string,
): Promise<string> {
  const { association } = await aws.eks.send(
    new CreatePodIdentityAssociationCommand({
      clusterName,
      namespace,
      serviceAccount: account,
      roleArn: role,
      tags: MADE_BY,
    }),
  )
  return association?.associationId ?? ''
}

/** Deletes an association; one that is already gone is fine. */
export async function dissociate(aws: Aws, clusterName: string, associationId: string): Promise<void> {
  try {
    await aws.eks.send(new DeletePodIdentityAssociationCommand({ clusterName, associationId }))
  } catch (problem) {
    if (!(problem instanceof ResourceNotFoundException)) throw problem
  }
}
