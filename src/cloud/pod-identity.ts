import {
  CreatePodIdentityAssociationCommand,
  DeletePodIdentityAssociationCommand,
  DescribePodIdentityAssociationCommand,
  paginateListPodIdentityAssociations,
  ResourceNotFoundException,
} from '@aws-sdk/client-eks'
import type { Aws } from './aws.ts'

/** A ServiceAccount that may have a role. */
export interface Identified {
  namespace: string
  account: string
}

/** A Pod Identity association: its id, the role that it gives, and whether an `up` made it. */
export interface Association {
  id: string
  role: string
  ours: boolean
}

// What says that an association is ours: it is there with the association itself, whenever an `up` was killed.
const MADE_BY = { 'plumbline.dev/made-by': 'up' }

/** The Pod Identity associations of a ServiceAccount, of which EKS allows one. */
export async function associationsOf(
  aws: Aws,
  clusterName: string,
  { namespace, account }: Identified,
): Promise<Association[]> {
  const found: Association[] = []
  const asked = { clusterName, namespace, serviceAccount: account }
  for await (const page of paginateListPodIdentityAssociations({ client: aws.eks }, asked)) {
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

/** Gives a ServiceAccount a role by Pod Identity; gives the association's id. */
export async function associate(aws: Aws, clusterName: string, of: Identified, role: string): Promise<string> {
  const { association } = await aws.eks.send(
    new CreatePodIdentityAssociationCommand({
      clusterName,
      namespace: of.namespace,
      serviceAccount: of.account,
      roleArn: role,
      tags: MADE_BY,
    }),
  )
  return association?.associationId ?? ''
}

/** Takes an association away; one that is gone is no trouble. */
export async function dissociate(aws: Aws, clusterName: string, associationId: string): Promise<void> {
  try {
    await aws.eks.send(new DeletePodIdentityAssociationCommand({ clusterName, associationId }))
  } catch (problem) {
    if (!(problem instanceof ResourceNotFoundException)) throw problem
  }
}
