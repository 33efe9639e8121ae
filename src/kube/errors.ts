import { ClusterProblem, StackFailure } from '../core/problem.ts'
import { networkReason } from '../core/network-reason.ts'

/** The Status object that the API server answers a refused request with. */
export interface ApiStatus {
  /** 'Status' where the API server itself wrote it. */
  kind?: string
  code: number
  reason?: string
  message?: string
  details?: { causes?: { reason?: string; message?: string; field?: string }[]; retryAfterSeconds?: number }
}

/** The API server's refusal of one request, in its own words. */
export class ApiRefusal extends Error {
  override name = 'ApiRefusal'
  readonly status: ApiStatus

  constructor(doing: string, status: ApiStatus, cause?: unknown) {
    super(`${doing}: ${status.message ?? `HTTP ${status.code}`}`, { cause })
    this.status = status
  }
}

/** The Status that a request was refused with, or undefined where the problem is another. */
export const statusOf = (problem: unknown): ApiStatus | undefined =>
  problem instanceof ApiRefusal ? problem.status : undefined

/** Reads an answer's body as a Status; where it is none, its text becomes the message. */
export function parseStatus(code: number, text: string): ApiStatus {
  try {
    return { ...(JSON.parse(text) as ApiStatus), code }
  } catch {
    return { code, message: text.trim().slice(0, 300) || `HTTP ${code}` }
  }
}

/**
 * Turns what undici or the API server threw into one plain sentence: what was refused, and what to do.
 * A refusal by admission or validation stays an ApiRefusal, for a check that expects it.
 */
export function plainProblem(problem: unknown, doing: string, server: string): Error {
  if (problem instanceof ClusterProblem || problem instanceof StackFailure) return problem
  const status = statusOf(problem)
  if (status?.code === 401) {
    return new ClusterProblem(
      `The cluster at ${server} does not accept these credentials (401): renew the token or the login of this context.`,
      { cause: problem },
    )
  }
  if (status?.code === 403 && /is forbidden: User/.test(status.message ?? '')) {
    return new ClusterProblem(`No rights: ${explainForbidden(status.message ?? '')}`, { cause: problem })
  }
  if (problem instanceof ApiRefusal) return problem
  const reason = networkReason(problem)
  if (reason) {
    return new ClusterProblem(
      `The cluster at ${server} does not answer (${reason}): check that it is up and that this machine reaches it.`,
      { cause: problem, transient: true },
    )
  }
  if (problem instanceof Error && problem.name === 'TimeoutError') {
    return new ClusterProblem(`${doing}: the API server at ${server} did not answer in time`, {
      cause: problem,
      transient: true,
    })
  }
  return problem instanceof Error ? problem : new Error(String(problem))
}

function explainForbidden(message: string): string {
  const found =
    /User "([^"]*)" cannot (\w+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?/.exec(
      message,
    )
  if (!found) return message
  const [, user, verb, resource, group, namespace] = found
  const full = group ? `${resource}.${group}` : resource
  const where = namespace ? `in namespace ${namespace}` : 'in all namespaces'
  return `${user} may not ${verb} ${full} ${where}; grant the verb ${verb} on ${full}, or use another context.`
}

/** What stands in the place of a refusal where there was none. */
export const ACCEPTED = 'nothing: it was accepted'

/** What the API server or a webhook refused a call with, or ACCEPTED where it took it. Throws what is no refusal. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return ACCEPTED
  } catch (problem) {
    if (problem instanceof ApiRefusal) return (problem.status.message ?? problem.message).replace(/\s*\n\s*/g, ' ')
    throw problem
  }
}
