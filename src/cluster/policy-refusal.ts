import type { KubernetesObject } from '../core/object.ts'
import { NotLookedAt } from '../core/problem.ts'
import { statusOf } from '../kube/errors.ts'
import { objectName } from '../kube/object-id.ts'

/** The names of webhooks of the stack itself: what these refuse says something of the stack. */
const OF_THE_STACK = /\.(knative\.dev|istio\.io|cert-manager\.io)$/

/**
 * Throws what the API server refused an object of ours with. Where it was a policy of the cluster, and no part of the
 * stack, nothing could be looked at.
 * @throws NotLookedAt for a webhook or policy of others, PodSecurity and quotas; else the problem itself
 */
export const throwRefusal =
  (object: KubernetesObject) =>
  (problem: unknown): never => {
    const message = statusOf(problem)?.message?.replace(/\s*\n\s*/g, ' ') ?? ''
    const by = policyIn(message)
    if (!by) throw problem
    throw new NotLookedAt(
      `${objectName(object)} of ours could not be made: ${by} refuses it (${message}). Give our objects what it asks ` +
        'for by `ours` of stack.yaml, or exempt namespaces whose names begin with plumb-.',
      { cause: problem },
    )
  }

function policyIn(message: string): string | undefined {
  const webhook = /admission webhook "([^"]+)" denied the request/.exec(message)?.[1]
  if (webhook) return OF_THE_STACK.test(webhook) ? undefined : `the admission webhook ${webhook}`
  const policy = /ValidatingAdmissionPolicy '([^']+)'/.exec(message)?.[1]
  if (policy) return `ValidatingAdmissionPolicy ${policy}`
  if (message.includes('violates PodSecurity')) return 'PodSecurity'
  const quota = /(?:exceeded|failed) quota: ([^:,]+)/.exec(message)?.[1]
  return quota && `ResourceQuota ${quota}`
}
