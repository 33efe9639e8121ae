import { StatusError } from '../api/status-error.ts'
import { ACCOUNT, CLUSTER } from './place.ts'

const PREFIX = 'k8s-aws-v1.'

/** Whether a bearer token is one of EKS, which STS is asked about. */
export const isEksToken = (token: string): boolean => token.startsWith(PREFIX)

/**
 * Who an EKS token is of: a presigned GetCallerIdentity that names this cluster in a signed header and is not older
 * than 15 minutes (aws-iam-authenticator, pkg/token). The signature itself is STS's to judge, and the twin has no
 * secret to judge it by.
 * @throws StatusError 401 for any other
 */
export function userOfEksToken(token: string): { name: string; groups: string[] } {
  const url = new URL(Buffer.from(token.slice(PREFIX.length), 'base64url').toString())
  const get = (name: string) => url.searchParams.get(name) ?? ''
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(get('X-Amz-Date')) ?? []
  const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  const isRight =
    get('Action') === 'GetCallerIdentity' &&
    get('X-Amz-SignedHeaders').split(';').includes('x-k8s-aws-id') &&
    /^[0-9a-f]{64}$/.test(get('X-Amz-Signature')) &&
    Math.abs(Date.now() - signedAt) < 15 * 60_000
  if (!isRight) throw new StatusError(401, 'Unauthorized', 'Unauthorized')
  return { name: `arn:aws:iam::${ACCOUNT}:user/twin of ${CLUSTER}`, groups: ['system:masters', 'system:authenticated'] }
}
