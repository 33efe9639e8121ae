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

/** What AWS calls each trouble: its services do not agree on one name. */
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
 * Turns what the SDK threw into one sentence: NotAllowed for an action that IAM denies, ClusterProblem for credentials, throttling and
 * the network. What a service says about the thing that was asked for (not there, not valid) stays as it is.
 */
export function awsProblem(problem: unknown, called: { client: string; command: string }, place: AwsPlace): unknown {
  if (!(problem instanceof Error)) return problem
  const action = actionOf(called)
  const where = `${place.profile ? `profile ${place.profile}, ` : ''}region ${place.region}`
  const tell = (text: string) => new ClusterProblem(text, { cause: problem })
  // A profile that is not there, or an SSO session that ended, says so itself.
  const why = problem.message.split('\n')[0]?.replace(/\.$/, '') ?? ''
  if (TROUBLES.expired.test(problem.name) || /session.*expired|expired.*(token|session)/i.test(why)) {
    return tell(`The AWS credentials have expired (${where}): log in again, or get new ones, then try again.`)
  }
  if (TROUBLES.none.test(problem.name))
    return tell(
      `There are no AWS credentials (${where}): ${why}. Set AWS_PROFILE or aws.profile in stack.yaml, or log in.`,
    )
  if (TROUBLES.unknown.test(problem.name)) {
    return tell(`AWS does not know these credentials (${where}): ${why}. Take others, or see that the clock is right.`)
  }
  if (TROUBLES.denied.test(problem.name)) return new NotAllowed(named(why) ?? action, whoIn(why))
  if (TROUBLES.throttled.test(problem.name)) {
    const { attempts } = (problem as { $metadata?: { attempts?: number } }).$metadata ?? {}
    return tell(
      `AWS throttles ${action} (${where}), still after ${attempts ?? 'several'} attempts: try again when less asks it.`,
    )
  }
  const reason = networkReason(problem)
  if (reason) return tell(`AWS's API for ${action} cannot be reached (${where}): ${reason}. Is the region right?`)
  return problem
}

/** The action that AWS itself names in a refusal; one call may need others than its own. */
const named = (message: string): string | undefined => /not authorized to perform: ([a-z0-9-]+:\w+)/i.exec(message)?.[1]

const whoIn = (message: string): string | undefined => /(arn:aws[\w-]*:(?:sts|iam)::\S+)/.exec(message)?.[1]
