import { Aws } from '../cloud/aws.ts'
import { eksToken } from '../cloud/eks-cluster.ts'
import { knownPlace } from '../targets/eks.ts'
import { readStack, type StackFlags } from './stack-flags.ts'

/** plumbline token: an ExecCredential with a token for an EKS cluster, as a kubeconfig's exec plugin prints one. */
export async function token(flags: StackFlags): Promise<number> {
  const config = readStack(flags)
  const aws = new Aws(knownPlace(config))
  const made = await eksToken(aws, config.cluster.name)
  aws.close()
  console.log(
    JSON.stringify({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: made.token, expirationTimestamp: made.endsAt.toISOString() },
    }),
  )
  return 0
}
