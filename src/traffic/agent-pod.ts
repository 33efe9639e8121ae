import { deadline } from '../core/deadlines.ts'
import { statusOf } from '../kube/errors.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { TOKEN_HEADER, UNKNOWN_PROBE } from './agent-protocol.ts'

/** The agent pod could not be asked, or was replaced: an error of the check, and no failure of the stack. */
export class AgentProblem extends Error {
  override name = 'AgentProblem'
}

/** A pod in which the agent's program listens on 8080. */
export interface AgentPod {
  namespace: string
  name: string
}

export const nameOfPod = ({ namespace, name }: AgentPod): string => `Pod ${namespace}/${name}`

/**
 * Has an agent pod do something, through the API server's pod proxy. `what` is one of the paths of agent-program.ts.
 * @throws ApiRefusal where the pod is gone (see `isGone`) or does not take the request; ClusterProblem where the API
 * cannot be asked
 */
export async function postToPod<T>(
  cluster: Pick<Cluster, 'k8s'>,
  { namespace, name }: AgentPod,
  token: string,
  what: string,
  request: { withinMs: number },
): Promise<T> {
  const { body } = await cluster.k8s.raw('POST', `/api/v1/namespaces/${namespace}/pods/${name}:8080/proxy/${what}`, {
    body: JSON.stringify(request),
    headers: { [TOKEN_HEADER]: token },
    within: request.withinMs + deadline('apiCall'),
    doing: `asking the agent in pod ${namespace}/${name} for /${what}`,
  })
  return JSON.parse(body) as T
}

/**
 * Whether a problem says that the agent that was asked is not there any more: its pod is deleted (404 of the API
 * server), its port is not reached (502 to 504 of the pod proxy), or it was started anew and knows nothing of a probe.
 */
export function isGone(problem: unknown): boolean {
  const status = statusOf(problem)
  if (!status) return false
  if (status.code === 404) return status.reason === 'NotFound' || status.reason === UNKNOWN_PROBE
  return status.code >= 502 && status.code <= 504
}
