import { DescribePodIdentityAssociationCommand, paginateListPodIdentityAssociations } from '@aws-sdk/client-eks'
import type { Aws } from './aws.ts'

/** A ServiceAccount that may have a role. */
export interface Identified {
  namespace: string
  account: string
}

/** A Pod Identity association: its id, and the role that it gives. */
export interface Association {
  id: string
  role: string
}

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
      found.push({ id: associationId, role: association?.roleArn ?? '' })
    }
  }
  return found
}
