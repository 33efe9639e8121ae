import { ClusterProblem, NotAllowed } from '../core/problem.ts'
import { networkReason } from '../core/network-reason.ts'
import type { AwsPlace } from '../config/run-info.ts'

// IAM's name of each service (Service Authorization Reference).
const PREFIX: Record<string, string> = {
  ElasticLoadBalancingV2Client: 'elasticloadbalancing',
  EKSClient: 'eks',
  IAMClient: 'iam',
  EC2Client: 'ec2',
  STSClient: 'sts',
}

/** The IAM action of a command: 'eks:DescribeCluster' of EKSClient's DescribeClusterCommand. */
const actionOf = ({ client, command }: { client: string; command: string }): string =>
  `${PREFIX[client] ?? client}:${command.replace(/Command$/, '')}`

/** The names of each kind of error: AWS's services do not agree on one name. */
const TROUBLES = {
  none: /^(CredentialsProviderError|TokenProviderError|MissingAuthenticationToken(Exception)?)$/,
  expired: /^(ExpiredToken(Exception)?|RequestExpired|ExpiredTokenException)$/,
  unknown:
    /^(UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|SignatureDoesNotMatch|AuthFailure)$/,
  denied: /^(AccessDenied(Exception)?|UnauthorizedOperation|AuthorizationError)$/,
  throttled:
    /^(Throttl(ing|ed)(Exception)?|ThrottlingException|RequestLimitExceeded|TooManyRequests(Exception)?|Throttling)$/,
}

/**
 * Turns what the SDK threw into one sentence: NotAllowed for an action that IAM denies, ClusterProblem for credentials,
 * throttling and the network. What a service says about the object of the call (not found, not valid) stays as it is.
 */
export function awsProblem(problem: unknown, called: { client: string; command: string }, place: AwsPlace): unknown {
  if (!(problem instanceof Error)) return problem
  const action = actionOf(called)
  const where = `${place.profile ? `profile ${place.profile}, ` : ''}region ${place.region}`
  const clusterProblem = (text: string) => new ClusterProblem(text, { cause: problem })
  // A profile that does not exist and an SSO session that ended are named in the message.
  const why = problem.message.split('\n')[0]?.replace(/\.$/, '') ?? ''
  if (TROUBLES.expired.test(problem.name) || /session.*expired|expired.*(token|session)/i.test(why)) {
    return clusterProblem(`The AWS credentials have expired (${where}): log in again (aws sso login), then try again.`)
  }
  if (TROUBLES.none.test(problem.name))
    return clusterProblem(
      `No AWS credentials found (${where}): ${why}. ` +
        'Log in (aws sso login), set AWS_PROFILE, or set aws.profile in stack.yaml.',
    )
  if (TROUBLES.unknown.test(problem.name)) {
    return clusterProblem(
      `AWS rejects these credentials (${where}): ${why}. Use other credentials, or correct the clock of this machine.`,
    )
  }
  if (TROUBLES.denied.test(problem.name)) return new NotAllowed(deniedAction(why) ?? action, deniedCaller(why))
  if (TROUBLES.throttled.test(problem.name)) {
    const { attempts } = (problem as { $metadata?: { attempts?: number } }).$metadata ?? {}
    return clusterProblem(
      `AWS throttles ${action} (${where}): ${attempts ?? 'several'} attempts were refused. Try again later.`,
    )
  }
  const reason = networkReason(problem)
  if (reason)
    return clusterProblem(`AWS's API for ${action} cannot be reached (${where}): ${reason}. Check the region.`)
  return problem
}

/** The action that AWS names in a refusal: one call may need other actions than its own. */
const deniedAction = (message: string): string | undefined =>
  /not authorized to perform: ([a-z0-9-]+:\w+)/i.exec(message)?.[1]

const deniedCaller = (message: string): string | undefined => /(arn:aws[\w-]*:(?:sts|iam)::\S+)/.exec(message)?.[1]
